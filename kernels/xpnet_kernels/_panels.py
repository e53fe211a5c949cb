"""The CPU product of matrices kept as panels: slices of a few vectors' width, each contiguous.

A matrix (K, N) as panels is an array (P, K, width): panel p holds columns p·width to (p+1)·width, the last
filled up with zeros. The product's inner loop then reads memory in one direction.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit
from xpnet_kernels._simd import ROWS, lane_count, multiply_tile, panel_width


def empty_panels(rows: int, columns: int, dtype: Any) -> Array:
    """Return panels of zeros for a matrix (rows, columns): array (P, rows, width)."""
    width = panel_width(columns, dtype)
    return np.zeros((-(-columns // width), rows, width), dtype=dtype)


@njit
def pack(matrix: Array, panels: Array) -> None:
    """Fill the panels of a matrix (K, N) of any strides."""
    width = panels.shape[2]
    for p in range(panels.shape[0]):
        first = p * width
        columns = min(width, matrix.shape[1] - first)
        for k in range(matrix.shape[0]):
            for j in range(columns):
                panels[p, k, j] = matrix[k, first + j]


@njit
def unpack(panels: Array, matrix: Array) -> None:
    """Write panels back into a matrix (K, N) of any strides."""
    width = panels.shape[2]
    for k in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            matrix[k, j] = panels[j // width, k, j % width]


@njit
def multiply_rows(
    a: Array, a_row: int, a_inner: int, panels: Array, inner: int, c: Array, c_row: int, c_panel: int,
    start: int, stop: int,
) -> None:  # fmt: skip
    """Write rows start to stop of a product: c[i, :] = Σ_k a[i, k] panels[:, k, :] over k < inner.

    `a` is flat: a[i, k] is element i a_row + k a_inner. `panels` is (P, K, width), K at least `inner`. `c` is
    flat: what panel p gives of row i starts at element i c_row + p c_panel and is as wide as the panel.

    At least ROWS rows are written: a last tile that would hang over `stop` begins earlier, and writes some
    rows a second time. `inner` must be at least 1.
    """
    flat = panels.reshape(-1)
    depth, width = panels.shape[1], panels.shape[2]
    vectors = width // lane_count(panels)
    for p in range(panels.shape[0]):
        for i in range(start, stop, ROWS):
            row = max(0, min(i, stop - ROWS))
            a0, b0, c0 = row * a_row, p * depth * width, row * c_row + p * c_panel
            if vectors == 1:
                multiply_tile(a, a0, a_row, a_inner, flat, b0, inner, c, c0, c_row, (0,))
            elif vectors == 2:
                multiply_tile(a, a0, a_row, a_inner, flat, b0, inner, c, c0, c_row, (0, 0))
            else:
                multiply_tile(a, a0, a_row, a_inner, flat, b0, inner, c, c0, c_row, (0, 0, 0, 0))
