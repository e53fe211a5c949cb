"""What all tests share: every backend present, a stand-in for a device array, simulated GPU kernels."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from engines import SIMULATOR, gpu_is_usable, library_for
from stand_ins import EVERY_BACKEND, SimulatedBackend

from xpnet import _backends

if not gpu_is_usable():
    # The CUDA kernels then run in Numba's simulator, which must be chosen before numba is imported.
    os.environ.setdefault(SIMULATOR, "1")

USABLE = [name for name, backend in EVERY_BACKEND.items() if backend.problem() is None]


LONG_FILES = (
    "test_cpu_kernels_stay_narrow.py",
    "test_other_processors.py",
    "test_offline_compile.py",
    "test_learning_curve.py",
    "test_cache.py",
)
"""Files of few tests that take a minute: begun last, they would leave the other processor without work."""


def pytest_configure(config):
    """Keep the order below: pytest-xdist, where it is in use, would begin with the files of most tests."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items):
    """Begin with the long files."""
    items.sort(key=lambda item: item.path.name not in LONG_FILES)


def pytest_report_header(config):
    """Say which backends the suite runs over, and why not over the others."""
    absent = [f"{name} ({why.reason})" for name, b in EVERY_BACKEND.items() if (why := b.problem())]
    return [f"backends: {', '.join(USABLE)}", f"backends left out: {'; '.join(absent) or 'none'}"]


@pytest.fixture(params=USABLE)
def backend(request, monkeypatch):
    """Each usable backend in turn, in force for the test."""
    if request.param == SimulatedBackend.name:
        library_for("numba-cuda", monkeypatch)
    with _backends.using(EVERY_BACKEND[request.param]) as chosen:
        yield chosen


@pytest.fixture(autouse=True)
def _same_switch_after_each_test():
    before = _backends._current
    yield
    _backends._set(before)


@pytest.fixture
def mnist():
    """The real MNIST as uint8, ((x, t), (x_test, t_test))."""
    folder = os.environ.get("XPNET_DATA")
    if not folder or not any(Path(folder).glob("train-images*")):
        pytest.skip("the real MNIST is not here; set XPNET_DATA to a folder with its four IDX files")
    from xpnet import datasets

    return datasets.mnist(normalize=False)
