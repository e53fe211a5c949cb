"""Numbers as bytes: where all of a data set's are pixels, a record notes which of 256 levels each is.

A record then takes half of the memory, and memory is what an epoch waits for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit

LEVELS = 256


def levels_of(x: Array, scale: Any, some: Array) -> Array:
    """Return the numbers that pixels 0 to 255 are in x times `scale`; none if some samples hold others.

    Parameters
    ----------
    x : array (N, D)
        uint8, or of the dtype of `scale`: then the pixels may have been divided by 255.
    scale : float
    some : array (n, D)
        Samples of x.

    Returns
    -------
    array (LEVELS,) or (0,), of the dtype of `scale`
    """
    dtype = scale.dtype
    pixels = np.arange(LEVELS).astype(dtype)
    if x.dtype == np.uint8:
        return pixels * scale
    some = np.ascontiguousarray(some).reshape(-1)
    level = np.empty(some.size, np.uint8)
    for levels in (pixels / dtype.type(255), pixels * dtype.type(1 / 255), pixels):
        if to_levels(some, some.size, levels, level):
            return levels
    return np.empty(0, dtype)


@njit
def to_levels(numbers: Array, count: int, levels: Array, into: Array) -> bool:
    """Write which level each of so many numbers is; return whether all are levels."""
    steps, half, all_there = numbers.dtype.type(1) / levels[1], numbers.dtype.type(0.5), True
    for i in range(count):
        level = int(numbers[i] * steps + half) & (LEVELS - 1)  # of NaN and the like some level, not theirs
        into[i] = level
        all_there &= levels[level] == numbers[i]
    return all_there


@njit
def number_bytes(levels: Array) -> int:
    """Return how many bytes of a record a number takes."""
    return 1 if levels.size > 0 else levels.itemsize
