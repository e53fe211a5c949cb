"""The array library of each engine, ready for its kernels."""

import sys

import pytest
from engines import library_for


@pytest.fixture
def library(monkeypatch):
    """Return `library(engine)`: the array library of an engine, which is ready to run; may skip."""
    return lambda engine: library_for(engine, monkeypatch)


@pytest.fixture
def xp(library):
    """The array library of the CUDA kernels, which may run: CuPy, or in the simulator NumPy."""
    found = library("numba-cuda")
    from xpnet_kernels import _jit

    _jit.load_cuda()
    return found


@pytest.fixture
def cuda(monkeypatch):
    """The double of `cupy.cuda`, not yet asked for anything; no layer of a captured epoch is wide."""
    library_for("numba-cuda", monkeypatch)
    from xpnet_kernels import _graphs
    from xpnet_kernels.mlp_epoch.graph import step

    monkeypatch.setattr(step, "WIDE", sys.maxsize)
    return _graphs.runtime(None)
