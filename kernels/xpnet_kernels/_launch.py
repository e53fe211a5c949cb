"""Launching numba.cuda kernels on CuPy arrays, in CuPy's current stream.

Under NUMBA_ENABLE_CUDASIM=1 the arrays are NumPy's and there is no stream; the tests shrink `THREADS` and
`TILE` there, so that small inputs span several blocks.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy as np

from xpnet_kernels import _jit
from xpnet_kernels._arrays import Array

THREADS = 256
"""Threads per block of the kernels that work on one element or one row a thread."""


def blocks_for(size: int, threads: int) -> int:
    """Return how many blocks of `threads` cover `size` items."""
    return -(-size // threads)


def launch(kernel: Any, grid: Any, block: Any, *args: Any) -> None:
    """Run `kernel` over `grid` blocks of `block` threads, unless the grid is empty."""
    if np.prod(grid) == 0:
        return
    _jit.load_cuda()
    converted = [_device_array(arg) if hasattr(arg, "shape") and arg.shape else arg for arg in args]
    kernel[grid, block, _stream()](*converted)


def launch_cooperatively(kernel: Any, blocks: int, threads: int, *args: Any) -> None:
    """Run a kernel whose blocks wait for each other; it says so itself, and numba.cuda launches it so.

    CUDA refuses a grid that does not fit the card at once.
    """
    launch(kernel, blocks, threads, *args)


def launch_over(size: int, kernel: Any, *args: Any) -> None:
    """Run `kernel` with one thread for each of `size` items."""
    launch(kernel, blocks_for(size, THREADS), THREADS, *args)


H200_MULTIPROCESSORS = 132


def multiprocessors(array: Array) -> int:
    """Return how many multiprocessors the card of an array has; the simulator's is an H200."""
    if isinstance(array, np.ndarray):
        return H200_MULTIPROCESSORS
    return _multiprocessors(array.device.id)


@functools.cache
def _multiprocessors(device: int) -> int:
    count: int = sys.modules["cupy"].cuda.Device(device).attributes["MultiProcessorCount"]
    return count


def _device_array(array: Array) -> Any:
    if isinstance(array, np.ndarray):
        return array  # only the simulator's arrays are NumPy's
    return _jit.cuda.as_cuda_array(array, sync=False)


def _stream() -> Any:
    cupy = sys.modules.get("cupy")
    if cupy is None or not cupy.cuda.is_available():
        return 0
    return _numba_stream(cupy.cuda.get_current_stream().ptr)


@functools.cache
def _numba_stream(pointer: int) -> Any:
    """Numba's view of CuPy's stream: with two streams every launch would wait for an event."""
    return _jit.cuda.external_stream(pointer) if pointer else _jit.cuda.default_stream()
