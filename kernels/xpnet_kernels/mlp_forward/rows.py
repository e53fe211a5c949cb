"""A few rows through every layer, one by one, on the parameters where they lie."""

from __future__ import annotations

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit
from xpnet_kernels._simd_row import VECTORS, add_row_times_tile, number_at
from xpnet_kernels._tiles import lane_count
from xpnet_kernels.mlp_epoch.phases import activate, add_bias_activated

WEIGHTS, BIASES, INPUTS, OUTPUTS, ACTIVATION, FIELDS = range(6)
"""Columns of the table of layers: the addresses of W and b, their sizes, the activation's code."""

WIDE_ROW = 2048
"""Bytes from which a row of W is long: then W is read a few rows at a time, in the order of memory."""

FEW_ROWS = 8
"""How many rows of a wide W are taken at a time."""


@njit
def forward_rows(x: Array, y: Array, layers: Array, buffer: Array) -> None:
    """Write the last layer's output for every row of x (N, D) into y (N, C); see `Forward`.

    `buffer` holds twice as many numbers as the widest layer has.
    """
    dtype = y.dtype.type
    scale = dtype(1) / dtype(255) if x.itemsize == 1 else dtype(1)
    source, target = buffer[: buffer.size // 2], buffer[buffer.size // 2 :]
    for i in range(len(x)):
        for j in range(x.shape[1]):
            source[j] = dtype(x[i, j]) * scale
        for layer in range(len(layers) - 1):
            affine_row(source, target, layers[layer])
            activate(target[: layers[layer, OUTPUTS]], layers[layer, ACTIVATION])
            source, target = target, source
        affine_row(source, y[i], layers[-1])


@njit
def affine_row(x: Array, y: Array, layer: Array) -> None:
    """Write x W + b for one row into the first numbers of y."""
    W, inputs, outputs = layer[WEIGHTS], layer[INPUTS], layer[OUTPUTS]
    lane, row_bytes = lane_count(y), outputs * y.itemsize
    for j in range(outputs):
        y[j] = number_at(layer[BIASES], j, y)
    rows = inputs if row_bytes < WIDE_ROW else FEW_ROWS
    for k in range(0, inputs, rows):
        inner = min(rows, inputs - k)
        for j in range(0, outputs, VECTORS * lane):
            vectors = min(VECTORS, (outputs - j + lane - 1) // lane)
            last = min(lane, outputs - j - (vectors - 1) * lane)
            at = W + k * row_bytes + j * y.itemsize
            if vectors == 4:
                add_row_times_tile(x, k, inner, at, outputs, y, j, last, (0, 0, 0, 0))
            elif vectors == 3:
                add_row_times_tile(x, k, inner, at, outputs, y, j, last, (0, 0, 0))
            elif vectors == 2:
                add_row_times_tile(x, k, inner, at, outputs, y, j, last, (0, 0))
            else:
                add_row_times_tile(x, k, inner, at, outputs, y, j, last, (0,))


@njit
def finish_rows(y: Array, b: Array, activation: int) -> None:
    """Replace every row of y by activation(row + b)."""
    for i in range(y.shape[0]):
        add_bias_activated(y[i], b, activation)
