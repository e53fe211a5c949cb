"""Is there a GPU, and what else belongs to a result: `python -m gpu_sections.probe` prints it as JSON."""

from __future__ import annotations

import json
from typing import Any

from gpu_sections import environment
from gpu_sections.bench import plain
from xpnet._backends import BackendUnavailableError, find
from xpnet.bench import machine
from xpnet.bench.player import version

PACKAGES = (
    "torch",
    "triton",
    "jax",
    "jaxlib",
    "jax-cuda13-plugin",
    "cupy-cuda13x",
    "cuda-core",
    "cuda-bindings",
    "pytest",
)


def probe() -> dict[str, Any]:
    """Return `about`, what a result carries, and `problem`: why no GPU is usable here, or an empty string."""
    about = machine.describe()
    found = {package: version(package) for package in PACKAGES}
    about["versions"] |= {package: what for package, what in found.items() if what != "not installed"}
    try:
        find("gpu")
    except BackendUnavailableError as error:
        return {"about": about, "problem": str(error)}
    about["gpu"] = environment.smi()
    return {"about": about, "problem": ""}


if __name__ == "__main__":
    print("\n" + json.dumps(plain(probe())))
