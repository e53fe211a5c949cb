"""Launching numba.cuda kernels on CuPy arrays, in CuPy's current stream.

Under NUMBA_ENABLE_CUDASIM=1 the arrays are NumPy's and there is no stream; the tests shrink `THREADS` and
`TILE` there, so that small inputs span several blocks.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet_kernels import _jit
from xpnet_kernels._arrays import Array, namespace

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


def launch_over(size: int, kernel: Any, *args: Any) -> None:
    """Run `kernel` with one thread for each of `size` items."""
    launch(kernel, blocks_for(size, THREADS), THREADS, *args)


def bound(kernel: Any, grid: Any, block: Any, *args: Any) -> Callable[[], None]:
    """Return a function that runs `kernel` on arguments converted once, in the stream that is current then.

    The arguments may be named tuples of arrays and numbers.
    """
    _jit.load_cuda()
    converted = [_converted(arg) for arg in args]
    return lambda: kernel[grid, block, _stream()](*converted)


def bound_over(size: int, kernel: Any, *args: Any) -> Callable[[], None]:
    """Return a function that runs `kernel` with one thread for each of `size` items; see `bound`."""
    return bound(kernel, blocks_for(size, THREADS), THREADS, *args)


def _converted(arg: Any) -> Any:
    if isinstance(arg, tuple):  # a named one: the kernel's code says what its parts are
        return type(arg)(*map(_converted, arg))
    return _device_array(arg) if hasattr(arg, "shape") and arg.shape else arg


def current_stream(like: Array) -> int:
    """Return the address of CuPy's current stream, by any array of the device."""
    address: int = namespace(like).cuda.get_current_stream().ptr
    return address


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
