"""A layer forward and backward: a kernel each if it is small, else what cuBLAS's products need."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda
from xpnet_kernels.mlp_epoch.graph.activations import activated, through
from xpnet_kernels.mlp_epoch.graph.tiles import ROWS, SLICES, rows_in, sample_at, tile_of_product

ROWS_AT_ONCE = 4
"""Rows that a thread reads of a wide layer's matrix before it uses the first."""


@cuda.jit
def forward_kernel(batch: Any, source: Any, W: Array, activation: int, y: Array) -> None:
    """Write y = activation(x · W + b) for one tile of the batch a block; W is (D + 1, H), its last row b."""
    first = cuda.blockIdx.y * ROWS
    inner = W.shape[0] - 1
    z = tile_of_product(batch, source, W, inner, first)
    row, column = first + cuda.threadIdx.y, cuda.grid(2)[0]
    if cuda.threadIdx.y < ROWS and row < y.shape[0] and column < y.shape[1]:
        y[row, column] = activated(activation, z + W[inner, column], W.dtype.type(1))


@cuda.jit
def backward_kernel(batch: Any, delta: Any, Wt: Array, activation: int, y: Array, before: Array) -> None:
    """Write the gradient before the activation that returned the layer's input y: (delta · Wᵀ) act'(y)."""
    first = cuda.blockIdx.y * ROWS
    dy = tile_of_product(batch, delta, Wt, Wt.shape[0], first)
    row, column = first + cuda.threadIdx.y, cuda.grid(2)[0]
    if cuda.threadIdx.y < ROWS and row < y.shape[0] and column < y.shape[1]:
        before[row, column] = through(activation, dy, y[row, column], Wt.dtype.type(1))


@cuda.jit
def gather_kernel(batch: Any, source: Any, rows: Array) -> None:
    """Copy the batch's samples, scaled, for the vendor's product; zeros where the batch is smaller."""
    k, first = cuda.grid(2)
    samples = cuda.local.array(ROWS_AT_ONCE, np.int64)
    values = cuda.local.array(ROWS_AT_ONCE, rows.dtype)
    count, stride = rows_in(batch, 0), cuda.gridDim.y * SLICES
    if k < rows.shape[1]:
        for start in range(first, rows.shape[0], stride * ROWS_AT_ONCE):
            for n in range(ROWS_AT_ONCE):
                row = start + n * stride
                samples[n] = sample_at(batch, source, 0, row) if row < count else -1
            for n in range(ROWS_AT_ONCE):
                values[n] = rows.dtype.type(0)
                if samples[n] >= 0:
                    values[n] = rows.dtype.type(source.x[samples[n], k]) * source.scale
            for n in range(ROWS_AT_ONCE):
                row = start + n * stride
                if row < rows.shape[0]:
                    rows[row, k] = values[n]


@cuda.jit
def activation_kernel(b: Array, activation: int, y: Array) -> None:
    """Replace y, the vendor's product, by activation(y + b)."""
    column, first = cuda.grid(2)
    own, stride = cuda.local.array(ROWS_AT_ONCE, y.dtype), cuda.gridDim.y * SLICES
    if column < y.shape[1]:
        bias = b[column]
        for start in range(first, y.shape[0], stride * ROWS_AT_ONCE):
            read_rows(y, start, stride, column, own)
            for n in range(ROWS_AT_ONCE):
                row = start + n * stride
                if row < y.shape[0]:
                    y[row, column] = activated(activation, own[n] + bias, y.dtype.type(1))


@cuda.jit
def derivative_kernel(activation: int, y: Array, delta: Array) -> None:
    """Send delta, the vendor's product, back through the activation that returned y."""
    column, first = cuda.grid(2)
    outputs, slopes = cuda.local.array(ROWS_AT_ONCE, y.dtype), cuda.local.array(ROWS_AT_ONCE, y.dtype)
    stride = cuda.gridDim.y * SLICES
    if column < y.shape[1]:
        for start in range(first, y.shape[0], stride * ROWS_AT_ONCE):
            read_rows(y, start, stride, column, outputs)
            read_rows(delta, start, stride, column, slopes)
            for n in range(ROWS_AT_ONCE):
                row = start + n * stride
                if row < y.shape[0]:
                    delta[row, column] = through(activation, slopes[n], outputs[n], y.dtype.type(1))


@cuda.jit(device=True)
def read_rows(matrix: Array, start: int, stride: int, column: int, own: Array) -> None:
    """Read a column's rows from `start` on, `stride` apart: all are on their way before the first is used."""
    for n in range(ROWS_AT_ONCE):
        row = start + n * stride
        if row < matrix.shape[0]:
            own[n] = matrix[row, column]
