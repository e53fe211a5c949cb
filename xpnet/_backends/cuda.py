"""The two backends that compute on a CUDA GPU: `cupy` and `numba-cuda`; the only file that imports cupy."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import math
import os
from typing import Any

import numpy as np

from xpnet._backends.base import Backend, Problem
from xpnet_kernels import _dispatch
from xpnet_kernels._arrays import Array

# The packages themselves and not an extra of xpnet: the line must work wherever xpnet came from.
_INSTALL = (
    'pip install "cupy-cuda13x[ctk]>=14,!=14.1.0" "numba-cuda[cu13]>=0.30" '
    "(12x and cu12 where nvidia-smi says CUDA 12; never both); without an NVIDIA GPU use the backend 'cpu'"
)


class CupyBackend(Backend):
    """CuPy arrays, served by the reference."""

    asynchronous = True
    name = "cupy"
    family = "cupy"
    engines = _dispatch.REFERENCE

    def problem(self) -> Problem | None:
        """Return what keeps CuPy from using a GPU here, in plain words."""
        return _cupy_problem()

    def device(self) -> str:
        """Return the current GPU in words."""
        cupy = self.xp
        current = cupy.cuda.Device().id
        name = cupy.cuda.runtime.getDeviceProperties(current)["name"].decode()
        return f"GPU {current}, {name}"

    @property
    def xp(self) -> Any:
        """The array module."""
        return importlib.import_module("cupy")

    def synchronize(self) -> None:
        """Wait for the current stream."""
        self.xp.cuda.get_current_stream().synchronize()

    def free_memory(self) -> int:
        """Return the bytes that are free on the current GPU or in CuPy's pool, within the pool's limit."""
        pool = self.xp.get_default_memory_pool()
        free: int = self.xp.cuda.Device().mem_info[0] + pool.free_bytes()
        limit = pool.get_limit()
        return min(free, max(limit - pool.used_bytes(), 0)) if limit else free

    def is_out_of_memory(self, error: BaseException) -> bool:
        """Return whether CuPy's pool, the driver, or a library on it, found no memory."""
        if isinstance(error, self.xp.cuda.memory.OutOfMemoryError):
            return True
        return any(status in str(error) for status in _NO_MEMORY)

    def staging(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        """Return an array in page-locked memory: from elsewhere a copy makes the host wait."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        return np.ndarray(shape, dtype, self.xp.cuda.alloc_pinned_memory(size))

    def upload(self, source: np.ndarray[Any, Any], target: Array, after: Any) -> Any:
        """Copy in a stream of its own; return an event."""
        stream = _copy_stream(self.xp.cuda.Device().id)
        stream.wait_event(after)
        target.set(source, stream=stream)
        return stream.record(self._event())

    def mark(self) -> Any:
        """Return an event in the current stream."""
        return self.xp.cuda.get_current_stream().record(self._event())

    def let_device_wait(self, mark: Any) -> None:
        """Let the current stream wait for an event."""
        self.xp.cuda.get_current_stream().wait_event(mark)

    def let_host_wait(self, mark: Any) -> None:
        """Wait for an event."""
        mark.synchronize()

    def _event(self) -> Any:
        return self.xp.cuda.Event(disable_timing=True)


class NumbaCudaBackend(CupyBackend):
    """CuPy arrays, served by numba.cuda kernels and by the reference where there is none."""

    name = "numba-cuda"
    engines = _dispatch.KERNELS

    def problem(self) -> Problem | None:
        """Return what keeps CuPy or numba.cuda from using a GPU here, in plain words."""
        return _cupy_problem() or _numba_problem()


_NO_MEMORY = ("cudaErrorMemoryAllocation", "CUDA_ERROR_OUT_OF_MEMORY", "STATUS_ALLOC_FAILED")
"""How the CUDA runtime, the driver and cuBLAS say it."""


@functools.cache
def _copy_stream(device: int) -> Any:
    """Return the stream for copies; non-blocking, or it and the default stream would wait for each other."""
    return importlib.import_module("cupy").cuda.Stream(non_blocking=True)


@functools.cache
def _cupy_problem() -> Problem | None:
    if importlib.util.find_spec("cupy") is None:
        return Problem("CuPy is not installed", _INSTALL)
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        return Problem(
            f"CuPy is installed but does not import ({_first_line(error)})", f"reinstall it: {_INSTALL}"
        )
    try:
        devices = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return _driver_problem(str(error))
    if devices == 0:
        return _no_device()
    return None


def _driver_problem(status: str) -> Problem:
    """Say in plain words what a CUDA status code means."""
    if "InsufficientDriver" in status:
        return Problem(
            "there is no NVIDIA driver, or it is older than the CUDA version CuPy was built for",
            "install an NVIDIA driver (`nvidia-smi` lists the GPU then), or use the backend 'cpu'",
        )
    if "NoDevice" in status:
        return _no_device()
    return Problem(f"CUDA does not start ({status})", "check that `nvidia-smi` lists the GPU")


def _no_device() -> Problem:
    return Problem(
        "no CUDA device is visible",
        "check that `nvidia-smi` lists a GPU and that CUDA_VISIBLE_DEVICES does not hide it",
    )


@functools.cache
def _numba_problem() -> Problem | None:
    if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
        return Problem(
            "NUMBA_ENABLE_CUDASIM=1 replaces numba.cuda by its simulator", "unset NUMBA_ENABLE_CUDASIM"
        )
    try:
        cuda = importlib.import_module("numba.cuda")
    except ImportError as error:
        return Problem(f"numba.cuda does not import ({_first_line(error)})", _INSTALL)
    if not cuda.is_available():
        return Problem(
            "numba.cuda finds no CUDA toolkit for this driver",
            f"{_INSTALL}, or set CUDA_HOME to an installed toolkit",
        )
    return None


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
