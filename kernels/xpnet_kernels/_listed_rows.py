"""A single sample's x W, and what it adds to W, by the rows of W that matter: those where x is not 0."""

from __future__ import annotations

from typing import Any

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit
from xpnet_kernels._simd_row import VECTORS, add_listed_rows, add_to_listed_rows
from xpnet_kernels._tiles import lane_count

WIDE_ROW = 2048
"""Bytes from which a row of W is long: then a few rows are gone through at a time, in the order of memory."""

FEW_ROWS = 8
"""How many rows of a wide W are taken at a time."""


@njit
def list_rows(x: Array, scale: Any, W: int, row_bytes: int, numbers: Array, rows: Array) -> int:
    """List where x is not 0, and return how often that is.

    Parameters
    ----------
    x : array (D,)
        May be `numbers`.
    scale : float
        What x is multiplied by; of the dtype of `numbers`.
    W, row_bytes : int
        The address of W (D, H), and bytes from one row to the next.
    numbers, rows : array (D,) or longer
        Receive the numbers, and the addresses of their rows.
    """
    listed = 0
    for k in range(x.size):
        number = numbers.dtype.type(x[k]) * scale
        numbers[listed], rows[listed] = number, W + k * row_bytes
        listed += 1 if number != 0 else 0
    return listed


@njit
def add_product(numbers: Array, rows: Array, listed: int, y: Array) -> None:
    """Add x W to y (H,), x and W as `list_rows` lists them."""
    go_through(numbers, rows, listed, y, False)


@njit
def add_outer_product(numbers: Array, rows: Array, listed: int, y: Array) -> None:
    """Add xᵀ y to W, y (H,), x and W as `list_rows` lists them."""
    go_through(numbers, rows, listed, y, True)


@njit
def go_through(numbers: Array, rows: Array, listed: int, y: Array, change_W: bool) -> None:
    """Go through the listed rows tile by tile, and add them to y, or y to them."""
    outputs, lane = y.size, lane_count(y)
    few = listed if outputs * y.itemsize < WIDE_ROW else FEW_ROWS
    for start in range(0, listed, max(few, 1)):
        stop = min(start + few, listed)
        for j in range(0, outputs, VECTORS * lane):
            vectors, last = tile_width(outputs - j, lane)
            if change_W:
                add_to_listed_rows(numbers, rows, start, stop, j * y.itemsize, y, j, last, vectors)
            else:
                add_listed_rows(numbers, rows, start, stop, j * y.itemsize, y, j, last, vectors)


@njit
def tile_width(columns: int, lane: int) -> tuple[int, int]:
    """Return how many vectors the next tile takes, and how many columns are in its last one."""
    vectors = min(VECTORS, (columns + lane - 1) // lane)
    return vectors, min(lane, columns - (vectors - 1) * lane)
