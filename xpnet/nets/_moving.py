"""Moving all that a net holds to another device or dtype, or nothing of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from xpnet._backends import Backend
from xpnet._backends.memory import enough_memory
from xpnet.layers import Layer


def move(layers: Iterable[Layer], backend: Backend, dtype: Any) -> None:
    """Put the arrays of all layers on a backend's device; if that fails, all stay where they are.

    Raises
    ------
    DeviceMemoryError
        If the device has too little memory.
    """
    layers = list(layers)
    undo = [layer.restoring() for layer in layers]
    needed = sum(_numbers(layer) for layer in layers) * int(dtype.itemsize)
    remedy = "Take a smaller net, or free other arrays on the device. The net stays where it was."
    try:
        with enough_memory(backend, "moving the net", remedy, needed):
            for layer in layers:
                layer.move(backend, dtype)
    except BaseException:
        for restore in undo:
            restore()
        raise


def _numbers(layer: Layer) -> int:
    """Return how many numbers the layer's parameters are, with their gradients and what optimizers keep."""
    return sum(
        math.prod(cell.data.shape) * (1 + (cell.grad is not None) + sum(map(len, cell.state.values())))
        for cell in layer.parameters.values()
    )


def checked_dtype(dtype: Any) -> np.dtype[Any]:
    """Return the dtype; raise ValueError unless it is one that a net can have."""
    try:
        checked: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        raise ValueError(f"a net's dtype is float32 or float64, got {dtype!r}") from None
    if checked not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"a net's dtype is float32 or float64, got {checked}")
    return checked
