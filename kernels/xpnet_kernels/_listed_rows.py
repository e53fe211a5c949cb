"""A single sample's x W, and what it adds to W, by the rows of W that matter: those where x is not 0."""

from __future__ import annotations

from typing import Any

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit
from xpnet_kernels._simd_list import list_vector
from xpnet_kernels._simd_row import VECTORS, add_listed_rows, add_to_listed_rows
from xpnet_kernels._tiles import lane_count

WIDE_ROW = 2048
"""Bytes from which a row of W is long: then a few rows are gone through at a time, in the order of memory."""

FEW_ROWS = 8
"""How many rows of a wide W are taken at a time."""


@njit
def list_rows(x: Array, begin: int, end: int, scale: Any, numbers: Array, places: Array) -> int:
    """List where x is not 0, from x[begin] to before x[end], and return how often that is.

    Parameters
    ----------
    x : array (D,), contiguous
        uint8 or of the dtype of `numbers`; may be `numbers`.
    begin, end : int
    scale : float
        What x is multiplied by; of the dtype of `numbers`.
    numbers, places : array (end - begin,) or longer
        Receive the numbers, and their places in x, which are those of their rows in W; see `list_vector`.
    """
    listed, lane = 0, lane_count(numbers)
    whole = end - (end - begin) % lane
    for k in range(begin, whole, lane):
        listed = list_vector(x, k, scale, numbers, places, listed)
    for k in range(whole, end):
        number = numbers.dtype.type(x[k]) * scale
        numbers[listed], places[listed] = number, k
        listed += 1 if number != 0 else 0
    return listed


@njit
def set_product(
    numbers: Array, places: Array, listed: int, W: int, row_bytes: int, b: Array, y: Array
) -> None:
    """Write x W + b into y (H,), which may be b itself.

    Parameters
    ----------
    numbers, places, listed
        x, as `list_rows` lists it.
    W, row_bytes : int
        The address of W (D, H), and bytes from one row to the next.
    b, y : array (H,)
    """
    few, lists = rows_at_once(listed, y), (numbers.ctypes.data, places.ctypes.data)
    for start in range(0, max(listed, 1), few):
        stop, before = min(start + few, listed), b if start == 0 else y
        for j in range(0, y.size, VECTORS * lane_count(y)):
            vectors, last = tile_width(y.size - j, lane_count(y))
            at, step = W + j * y.itemsize, lane_count(y) * y.itemsize
            add_listed_rows(*lists, start, stop, at, row_bytes, step, before, y, j, last, vectors, None)


@njit
def add_outer_product(
    numbers: Array, places: Array, listed: int, W: int, row_bytes: int, factor: Any, y: Array
) -> None:
    """Add factor xᵀ y to W, y (H,); see `set_product`."""
    few, lists = rows_at_once(listed, y), (numbers.ctypes.data, places.ctypes.data)
    for start in range(0, listed, few):
        stop = min(start + few, listed)
        for j in range(0, y.size, VECTORS * lane_count(y)):
            vectors, last = tile_width(y.size - j, lane_count(y))
            at, step = W + j * y.itemsize, lane_count(y) * y.itemsize
            add_to_listed_rows(*lists, start, stop, at, row_bytes, step, factor, y, j, last, vectors, None)


@njit
def rows_at_once(listed: int, y: Array) -> int:
    """Return how many rows are gone through at a time."""
    return max(listed, 1) if y.size * y.itemsize < WIDE_ROW else FEW_ROWS


@njit
def tile_width(columns: int, lane: int) -> tuple[int, int]:
    """Return how many vectors the next tile takes, and how many columns are in its last one."""
    vectors = min(VECTORS, (columns + lane - 1) // lane)
    return vectors, min(lane, columns - (vectors - 1) * lane)
