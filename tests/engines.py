"""What runs the CUDA kernels on this machine: a GPU, numba's simulator, or nothing."""

import importlib.util
import os

import numpy as np
import pytest

SIMULATOR = "NUMBA_ENABLE_CUDASIM"

WARNINGS_ARE_ERRORS = (
    "-W",
    "error",
    "-W",
    "ignore:The 'generic' unit for NumPy timedelta:DeprecationWarning",
)
"""Options of a fresh Python; the second as in pyproject.toml, for the import of numba-cuda."""


def gpu_is_usable():
    """Return whether CuPy is installed and finds a CUDA device."""
    try:
        import cupy
    except ImportError:
        return False
    return cupy.cuda.is_available()


def simulated():
    """Return whether CUDA kernels run in the simulator, on NumPy arrays."""
    return os.environ.get(SIMULATOR, "0") not in ("", "0")


def library_for(engine, monkeypatch):
    """Make an engine ready until the test ends and return the array library whose arrays it takes."""
    if engine == "numba":
        return np
    if importlib.util.find_spec("numba_cuda") is None:
        pytest.skip("numba-cuda is not installed")
    if simulated():
        import simulator

        simulator.install(monkeypatch)
        return np
    if not gpu_is_usable():
        pytest.skip(f"no usable GPU, and {SIMULATOR}=0 forbids the simulator")
    import cupy

    return cupy


def to_numpy(array):
    """Copy an array of either library to the host."""
    return array.get() if hasattr(array, "get") else np.asarray(array)
