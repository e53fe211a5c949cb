"""Everything about the GPU, in one command under ten minutes: `python3 benchmarks/gpu.py --out FILE.json`.

Nothing need be installed: in a checkout, `PYTHONPATH=.:kernels python3 benchmarks/gpu.py --out FILE.json`.
Every section (`gpu_sections`) is a process of its own with its own time limit; one that crashes or hangs is
written down as failed, with the end of what it said, and the others go on. `render.py` makes the README's
table of it. The exit code is 0 if all went well, 1 if a section failed or was not reached, 2 without a GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT), str(ROOT / "kernels")]

import render_gpu  # noqa: E402
from gpu_sections import SECTIONS, Section  # noqa: E402
from gpu_sections.runner import Run, environment  # noqa: E402

LIMIT = 570.0
"""Seconds for all sections together."""

SHOWN = 1000
"""Characters of a log that are printed; more of them are in the file."""


def probe(dry: bool) -> dict[str, Any]:
    """Return what `gpu_sections.probe` finds out, in a process of its own."""
    command = [sys.executable, "-m", "gpu_sections.probe"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=environment(dry), cwd=ROOT
    )
    if done.returncode != 0:
        raise SystemExit(f"cannot look for a GPU:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])  # a library may have printed before
    return found


def chosen(names: str | None) -> list[Section]:
    """Return the sections of these names, in the order of the list; all by default.

    Raises
    ------
    SystemExit
        If a name is unknown; lists the choices.
    """
    if names is None:
        return list(SECTIONS)
    wanted = [name.strip() for name in names.split(";") if name.strip()]
    known = [section.name for section in SECTIONS]
    for name in wanted:
        if name not in known:
            raise SystemExit(f"unknown section {name!r}; choose among: {'; '.join(known)}")
    return [section for section in SECTIONS if section.name in wanted]


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """Return what the command was told."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument(
        "--out", type=Path, metavar="FILE.json", help="every raw sample, written as it comes in"
    )
    parser.add_argument("--sections", metavar="NAME;NAME", help="only these (default: all)")
    parser.add_argument("--limit", type=float, default=LIMIT, help=f"seconds in all (default {LIMIT:.0f})")
    parser.add_argument("--data", metavar="DIR", help="folder with MNIST's four files (or set XPNET_DATA)")
    parser.add_argument("--commit", help="of this code, where the checkout came without its .git")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="run every section's code on doubles, in tiny, without a GPU; measures nothing",
    )
    told = parser.parse_args(given)
    if told.out is None and not told.dry_run:
        parser.error("--out FILE.json says where the result is to go")
    return told


def main(given: Sequence[str] | None = None) -> int:
    """Measure; return the exit code."""
    told = arguments(given)
    sections = chosen(told.sections)
    if told.data:
        os.environ["XPNET_DATA"] = str(Path(told.data).resolve())
    found = probe(told.dry_run)
    if found["problem"] and not told.dry_run:
        print(f"no GPU can be used here: {found['problem']}\nNothing was measured, and nothing written.")
        return 2
    about = found["about"]
    about["commit"] = told.commit or about["commit"]
    print(f"xpnet at commit {about['commit']}, {about.get('gpu', {}).get('name', 'a dry run')}", flush=True)
    if about["commit"] == "unknown":
        print("the commit is unknown: give it with --commit, a result must carry it", flush=True)
    with tempfile.TemporaryDirectory(prefix="xpnet-gpu-") as folder:
        path = told.out or Path(folder) / "dry.json"
        run = Run(about, path.resolve(), told.limit, told.dry_run, say=lambda line: print(line, flush=True))
        good = run.run(sections)
    report(run.document)
    print(f"{'all went well' if good else 'not all went well'}" + (f": {told.out}" if told.out else ""))
    return 0 if good else 1


def report(document: dict[str, Any]) -> None:
    """Print the end of what each section said that did not go well, then the states and the goals."""
    for one in document["sections"]:
        if one["tail"]:
            print(f"--- {one['name']}: {one['status']}\n{one['tail'].strip()[-SHOWN:]}")
    print(
        "\n".join(f"{one['name']}: {one['status']}, {one['seconds']:.1f} s" for one in document["sections"])
    )
    if document["kind"] == "gpu":
        print(render_gpu.goals(document))


if __name__ == "__main__":
    sys.exit(main())
