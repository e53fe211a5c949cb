"""The process of one section: `python -m gpu_sections.child JSON`, which says what to run."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from gpu_sections.bench import Bench, say
from gpu_sections.plan import DRY, FULL


def main() -> int:
    """Run the section; return 1 if a part of it failed."""
    told = json.loads(sys.argv[1])
    module, _, function = told["function"].partition(":")
    earlier = json.loads(Path(told["earlier"]).read_text())["sections"]
    with Path(told["output"]).open("a") as output:
        bench = Bench(DRY if told["dry"] else FULL, output, earlier, told["limit"])
        getattr(importlib.import_module(module), function)(bench, **told["options"])
    for failure in bench.failures:
        say(f"failed: {failure}")
    return int(bool(bench.failures))


if __name__ == "__main__":
    sys.exit(main())
