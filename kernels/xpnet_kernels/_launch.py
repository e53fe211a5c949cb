"""Launching numba.cuda kernels on CuPy arrays, in CuPy's current stream.

What a launch needs is made once and kept: numba's view of an array, its stream, the configured kernel. CuPy's
pool hands out the same addresses step after step, so a training step finds all of it.

Under NUMBA_ENABLE_CUDASIM=1 the arrays are NumPy's and there is no stream; the tests shrink `THREADS` and
`TILE` there, so that small inputs span several blocks.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet_kernels import _jit
from xpnet_kernels._arrays import Array, namespace
from xpnet_kernels._limits import check_launch

THREADS = 256
"""Threads per block of the kernels that work on one element or one row a thread."""

VIEWS, CONFIGURATIONS, STREAMS = 4096, 1024, 64
"""How many of each are kept, the last ones used. A step of ten layers needs some hundred views."""


def blocks_for(size: int, threads: int) -> int:
    """Return how many blocks of `threads` cover `size` items."""
    return -(-size // threads)


def launch(kernel: Any, grid: Any, block: Any, *args: Any) -> None:
    """Run `kernel` over `grid` blocks of `block` threads, unless the grid is empty.

    Raises
    ------
    ValueError
        If CUDA launches no such grid, or no such block.
    """
    if grid == 0 or (isinstance(grid, tuple) and 0 in grid):
        return
    _jit.load_cuda()
    converted = [_device_array(arg) if getattr(arg, "shape", ()) else arg for arg in args]
    _configured(kernel, grid, block)(*converted)


def launch_cooperatively(kernel: Any, blocks: int, threads: int, *args: Any) -> None:
    """Run a kernel whose blocks wait for each other; it says so itself, and numba.cuda launches it so.

    CUDA refuses a grid that does not fit the card at once.
    """
    launch(kernel, blocks, threads, *args)


def launch_over(size: int, kernel: Any, *args: Any) -> None:
    """Run `kernel` with one thread for each of `size` items."""
    launch(kernel, blocks_for(size, THREADS), THREADS, *args)


def bound(kernel: Any, grid: Any, block: Any, *args: Any) -> Callable[[], None]:
    """Return a function that runs `kernel` on arguments converted once, in the stream that is current then.

    The arguments may be named tuples of arrays and numbers. Whoever keeps the function keeps the arrays.
    """
    return _Bound(kernel, grid, block, args)


class _Bound:
    """See `bound`. Numba's views own nothing: without the arrays another array would soon lie there."""

    def __init__(self, kernel: Any, grid: Any, block: Any, args: tuple[Any, ...]) -> None:
        _jit.load_cuda()
        self._launch, self._arrays = (kernel, grid, block), args
        self._converted = [_converted(arg) for arg in args]

    def __call__(self) -> None:
        _configured(*self._launch)(*self._converted)


def _converted(arg: Any) -> Any:
    if isinstance(arg, tuple):  # a named one: the kernel's code says what its parts are
        return type(arg)(*map(_converted, arg))
    return _device_array(arg) if getattr(arg, "shape", ()) else arg


def current_stream(like: Array) -> int:
    """Return the address of CuPy's current stream, by any array of the device."""
    address: int = namespace(like).cuda.get_current_stream().ptr
    return address


def _configured(kernel: Any, grid: Any, block: Any) -> Any:
    if _simulated():
        check_launch(kernel, grid, block)
        return _in_simulator(kernel, grid, block)
    return _kept_configuration(kernel, grid, block, _stream())


def _in_simulator(kernel: Any, grid: Any, block: Any) -> Any:
    return kernel[grid, block]  # the kernel itself, which holds one configuration at a time


def _simulated() -> bool:
    return bool(_numba_settings().ENABLE_CUDASIM)


def _numba_settings() -> Any:
    return sys.modules["numba.cuda.core.config"]  # loaded by `_jit`


@functools.lru_cache(maxsize=CONFIGURATIONS)
def _kept_configuration(kernel: Any, grid: Any, block: Any, stream: Any) -> Any:
    """Return a kernel with its grid, block and stream, without numba's warning that the grid is small.

    That is advice for whoever writes a kernel: silenced for ours, it stays for a user's own. The sizes are
    checked here, once for each configuration that is kept.
    """
    check_launch(kernel, grid, block)
    settings = _numba_settings()
    with _configuring:
        before, settings.CUDA_LOW_OCCUPANCY_WARNINGS = settings.CUDA_LOW_OCCUPANCY_WARNINGS, 0
        try:
            return kernel[grid, block, stream]
        finally:
            settings.CUDA_LOW_OCCUPANCY_WARNINGS = before


_configuring = threading.Lock()


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
    memory = array.data
    return _view(memory.device_id, memory.ptr, array.shape, array.strides, array.dtype.str)


@functools.lru_cache(maxsize=VIEWS)
def _view(device: int, address: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: str) -> Any:
    """Return numba's view of device memory, which does not own it.

    A view of an array that is gone is as good for the next one at its address, and keeps nothing from
    CuPy's pool. It belongs to a device, so that one is part of what it is found by.
    """
    described = {"shape": shape, "strides": strides, "typestr": dtype, "data": (address, False), "version": 3}
    return _jit.cuda.from_cuda_array_interface(described, owner=None, sync=False)


def _stream() -> Any:
    """Return numba's view of CuPy's current stream: in another one every launch would wait for an event."""
    return _kept_stream(sys.modules["cupy"].cuda.get_current_stream().ptr)


@functools.lru_cache(maxsize=STREAMS)
def _kept_stream(pointer: int) -> Any:
    """Return numba's view of a stream.

    CuPy's 0 is the legacy default stream; its 2, the default stream of each thread, is a handle like any
    other. Numba's own default stream may be either, as its environment says.
    """
    return _jit.cuda.external_stream(pointer) if pointer else _jit.cuda.legacy_default_stream()
