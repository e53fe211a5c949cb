"""A layer forward and backward: a kernel each if it is small, else what cuBLAS's products need."""

from __future__ import annotations

from typing import Any

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda
from xpnet_kernels.mlp_epoch.graph.activations import activated, through
from xpnet_kernels.mlp_epoch.graph.tiles import ROWS, SLICES, rows_in, sample_at, tile_of_product


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
    if k < rows.shape[1]:
        for row in range(first, rows.shape[0], cuda.gridDim.y * SLICES):
            value = rows.dtype.type(0)
            if row < rows_in(batch, 0):
                value = rows.dtype.type(source.x[sample_at(batch, source, 0, row), k]) * source.scale
            rows[row, k] = value


@cuda.jit
def activation_kernel(b: Array, activation: int, y: Array) -> None:
    """Replace y, the vendor's product, by activation(y + b)."""
    column, first = cuda.grid(2)
    if column < y.shape[1]:
        for row in range(first, y.shape[0], cuda.gridDim.y * SLICES):
            y[row, column] = activated(activation, y[row, column] + b[column], y.dtype.type(1))


@cuda.jit
def derivative_kernel(activation: int, y: Array, delta: Array) -> None:
    """Send delta, the vendor's product, back through the activation that returned y."""
    column, first = cuda.grid(2)
    if column < y.shape[1]:
        for row in range(first, y.shape[0], cuda.gridDim.y * SLICES):
            delta[row, column] = through(activation, delta[row, column], y[row, column], y.dtype.type(1))
