"""A fresh process: the import, the first step cold and from the cache, and the peak of memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import xpnet

BACKENDS = [status.name for status in xpnet.backends() if status.usable]
STEP = """
import numpy as np, xpnet
xpnet.use({backend!r})
net = xpnet.nets.TwoLayerNet(784, 50, 10, seed=0)
net.fit(np.ones(({samples}, 784), np.float32), np.zeros({samples}, np.int64), seed=0, verbose=False)
"""
PEAK = """
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")][0])
"""


def run(code: str, cache: Path) -> str:
    """Run a program with a cache of kernels of its own; return what it prints."""
    folders = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": folders, "NUMBA_CACHE_DIR": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.parametrize("code", ["pass", "import numpy", "import xpnet"])
def test_import(benchmark: Any, code: str, tmp_path: Path) -> None:
    """Start Python and import, beside Python alone and NumPy alone."""
    benchmark.group = "start-up: import"
    benchmark.pedantic(run, (code, tmp_path), rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_first_step_cold(benchmark: Any, backend: str, tmp_path: Path) -> None:
    """Start Python and take one step, with every kernel compiled."""
    benchmark.group = "start-up: first step, cold"
    benchmark.pedantic(run, (STEP.format(backend=backend, samples=100), tmp_path), rounds=1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_first_step_from_the_cache(benchmark: Any, backend: str, tmp_path: Path) -> None:
    """Start Python and take one step, with the machine code of the run before."""
    code = STEP.format(backend=backend, samples=100)
    benchmark.group = "start-up: first step, from the cache"
    benchmark.pedantic(run, (code, tmp_path), rounds=3, warmup_rounds=1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("backend", BACKENDS)
def test_peak_memory(benchmark: Any, backend: str, tmp_path: Path) -> None:
    """Train an epoch on 60,000 images, 188 MB of them; the peak stands in the saved run."""
    code = STEP.format(backend=backend, samples=60_000) + PEAK
    benchmark.group = "peak memory, 784-50-10"
    kibibytes = benchmark.pedantic(run, (code, tmp_path), rounds=1)
    benchmark.extra_info["peak MiB"] = round(int(kibibytes) / 1024)
