"""Where the data of a run are kept: on the device, or on the host where the device is too small for them."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet import _backends
from xpnet._backends.memory import enough_memory, in_words
from xpnet._edge import check_samples, real_numbers
from xpnet._input_range import PIXELS, is_raw
from xpnet.training._portions import Resident, Streamed
from xpnet_kernels._arrays import Array, as_taken, dtype_name, family_of

if TYPE_CHECKING:
    from xpnet.nets import Sequential
    from xpnet.training._epochs import Run

SHARE = 0.8
"""Of the device's free memory, what the data may take; the rest is for the weights and the work of a step."""

PORTION = 64 * 2**20
"""Bytes of a portion; longer ones would lock more of the host's memory. Other sizes were not tried."""


def place_data(net: Sequential, x: Any, t: Any, batch_size: int, stream: bool | None) -> Resident | Streamed:
    """Bring the training data to the net's device, or keep them on the host to be streamed.

    Parameters
    ----------
    net, x, t, batch_size, stream
        See `fit`.

    Raises
    ------
    TypeError
        If x or t is no array of real numbers.
    ValueError
        If x and t do not fit each other, or data to be streamed lie on the device.
    DeviceMemoryError
        If they do not fit into the device's memory.
    """
    x, t = real_numbers("x", x), real_numbers("t", net.labels(t))
    samples, backend = check_samples(x, t), net.backend
    net.choose_range(x)
    free = backend.free_memory()
    on_device = free is None or any(family_of(array).name == backend.family for array in (x, t))
    if stream and on_device and free is not None:
        raise ValueError(
            f"fit: stream=True, but the data are on {backend.device()} already; give NumPy arrays, "
            "or leave stream out"
        )
    needed = samples * row_bytes(net, x, t)
    if free is not None and not on_device and (stream or (stream is None and needed > SHARE * free)):
        return _streamed(net, x, t, batch_size, free)
    remedy = "Give them as NumPy arrays with stream=True, which keeps them on the host, or fewer samples."
    with enough_memory(backend, "fit, the data", remedy, needed):
        t, x = net.target(t, x), net.placed(x)
        # Of a sliced or transposed array NumPy would copy all for each batch that is gathered.
        return Resident(backend, as_taken(x) if backend.family == "numpy" else x, t)


def _streamed(net: Sequential, x: Array, t: Array, batch_size: int, free: int) -> Streamed:
    host, samples, size = _backends.find("numpy"), x.shape[0], row_bytes(net, x, t)
    said = f"data streamed from the host: {in_words(samples * size)}, {in_words(free)} free"
    rows = portion_rows(samples, batch_size, size, SHARE * free)
    t, x = net.target(t, x, host), host.asarray(x)
    x = net.placed(x, host) if is_raw(x) else x
    dtype = x.dtype if x.dtype == np.uint8 else net.dtype
    return Streamed(net.backend, x, t, dtype, rows, said)


def data_memory(run: Run) -> AbstractContextManager[None]:
    """Return the `enough_memory` of what a run makes before its first step."""
    return enough_memory(
        run.net.backend, "fit, before the first step", f"Lower batch_size ({run.batch_size})."
    )


def step_memory(run: Run, step: Callable[[], str]) -> AbstractContextManager[None]:
    """Return the `enough_memory` of a run's steps."""
    remedy = f"Lower batch_size ({run.batch_size})"
    if isinstance(run.data, Resident):
        remedy += ", or give the data as NumPy arrays with stream=True, which keeps them on the host"
    return enough_memory(run.net.backend, step, f"{remedy}. The net is as the last complete step left it.")


def row_bytes(net: Sequential, x: Array, t: Array) -> int:
    """Return the bytes of a sample on the device: inputs, target, and its place in the order of an epoch."""
    as_bytes = dtype_name(x) == "uint8" and net.input_range in (None, PIXELS)
    width: int = 1 if as_bytes else net.dtype.itemsize
    target: int = math.prod(t.shape[1:]) * np.dtype(dtype_name(t)).itemsize
    return int(math.prod(x.shape[1:]) * width + max(8, target) + 8)  # a class index takes eight as well


def portion_rows(samples: int, batch_size: int, size: int, allowed: float) -> int:
    """Return how many samples a portion holds: whole batches, such that two portions take `allowed` bytes.

    One batch is the least, and all samples are the most.
    """
    most = min(PORTION, int(allowed / 2)) // size
    return min(max(1, most // batch_size) * batch_size, samples)
