"""Matrices kept row by row for the CPU products, and those products.

A row is filled up with zeros to whole vectors, so that tiles need no special case at its end, and to an odd
number of vectors: rows a power of two apart would compete for the same few places in the caches.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit
from xpnet_kernels._simd import lanes, tile_side, vector_bytes
from xpnet_kernels._tiles import dot_tile, lane_count, outer_tile, tile_rows

CHUNK = 160
"""Rows that go through a product before the next ones: they stay in the second-level cache."""

SQUARE = 32
"""Rows and columns of a matrix that are transposed at once: they stay in the first-level cache."""


def row_length(columns: int, dtype: Any) -> int:
    """Return how many numbers a row of a matrix takes: tiles that begin in it must end in it."""
    lane = lanes(dtype)
    vectors = -(-tile_multiple(columns) // lane)
    return (vectors + 1 - vectors % 2) * lane


def tile_multiple(rows: int) -> int:
    """Return the least whole number of tiles that holds so many rows, in rows."""
    side = tile_side()
    return -(-rows // side) * side


def aligned_zeros(size: int, dtype: Any) -> Array:
    """Return zeros, array (size,), that begin where a vector of the widest kind may."""
    item, boundary = np.dtype(dtype).itemsize, vector_bytes()
    raw = np.zeros(size + boundary // item, dtype=dtype)
    start = -raw.ctypes.data % boundary // item
    return raw[start : start + size]


def empty_rows(rows: int, columns: int, dtype: Any) -> Array:
    """Return zeros for a matrix (rows, columns): an array as long and wide as its tiles."""
    shape = tile_multiple(rows), row_length(columns, dtype)
    return aligned_zeros(shape[0] * shape[1], dtype).reshape(shape)


def addresses(rows: Array) -> Array:
    """Return where the rows of a matrix begin in memory, array (rows,), int64; keep the matrix alive."""
    return rows.ctypes.data + rows.strides[0] * np.arange(len(rows), dtype=np.int64)


@njit
def lay_out(W: Array, rows: Array) -> None:
    """Copy W (D, H) into the first columns of the first rows of a matrix of rows, transposed."""
    for d in range(0, W.shape[0], SQUARE):
        for h in range(0, W.shape[1], SQUARE):
            for i in range(h, min(h + SQUARE, W.shape[1])):
                for j in range(d, min(d + SQUARE, W.shape[0])):
                    rows[i, j] = W[j, i]


@njit
def bring_back(rows: Array, W: Array) -> None:
    """Copy into W (D, H) what `lay_out` made of it."""
    for d in range(0, W.shape[0], SQUARE):
        for h in range(0, W.shape[1], SQUARE):
            for j in range(d, min(d + SQUARE, W.shape[0])):
                for i in range(h, min(h + SQUARE, W.shape[1])):
                    W[j, i] = rows[i, j]


@njit
def vectors_of(columns: int, array: Array) -> Any:
    """Return how many vectors hold so many columns of the array's dtype."""
    lane = lane_count(array)
    return (columns + lane - 1) // lane


@njit
def multiply(
    a: Array, b: Array, c: Array, inner: int, columns: int, start: int, stop: int, ahead: Any, asked: int,
    alpha: Any,
) -> Any:  # fmt: skip
    """Write rows start to stop of a b to c, or add alpha times them, as whole tiles and `columns` wide.

    Parameters
    ----------
    a : array (I, K) of any strides
    b : array (K,), int64
        The addresses of the rows of b.
    c : array (I, J)
        Of `empty_rows`, or as long and wide, as b's rows.
    inner : int
        K, at least 1.
    columns, start, stop : int
    ahead : Ahead
        Memory to ask for meanwhile, or `NOTHING`.
    asked : int
        How often was asked before.
    alpha : float or None

    Returns
    -------
    int
        How often was asked by now.
    """
    side, lane, vectors = tile_rows(c), lane_count(c), vectors_of(columns, c)
    for v in range(0, vectors, side):
        for i in range(start, stop, side):
            outer_tile(a, b, c, i, v * lane, inner, min(side, vectors - v), ahead, asked, alpha)
            asked += inner
    return asked


@njit
def multiply_transposed(
    a: Array, b: Array, c: Array, inner: int, first: int, last: int, start: int, stop: int, ahead: Any,
    asked: int,
) -> Any:  # fmt: skip
    """Write rows start to stop and columns first to last of c = a bᵀ, the columns as whole tiles.

    Parameters
    ----------
    a : array (I,), int64
        The addresses of the rows of a.
    b : array (J, K)
    c : array (I, J)
        Two arrays of `empty_rows`, or as long and wide, as a's rows.
    inner : int
        K, at least 1.
    first, last, start, stop : int
    ahead, asked
        As for `multiply`.

    Returns
    -------
    int
        How often was asked by now.
    """
    side, vectors = tile_rows(b), vectors_of(inner, b)
    for chunk in range(start, stop, CHUNK):
        end = min(chunk + CHUNK, stop)
        for j in range(first, last, side):
            for i in range(chunk, end, side):
                dot_tile(a, b, c, i, j, vectors, min(side, end - i), ahead, asked)
                asked += vectors
    return asked
