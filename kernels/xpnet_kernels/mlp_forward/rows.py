"""A few rows through every layer, one by one, on the parameters where they lie."""

from __future__ import annotations

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit
from xpnet_kernels._listed_rows import add_product, list_rows
from xpnet_kernels._simd_row import number_at
from xpnet_kernels.mlp_epoch.phases import activate, add_bias_activated

WEIGHTS, BIASES, INPUTS, OUTPUTS, ACTIVATION, FIELDS = range(6)
"""Columns of the table of layers: the addresses of W and b, their sizes, the activation's code."""


@njit
def forward_rows(x: Array, y: Array, layers: Array, buffer: Array, rows: Array) -> None:
    """Write the last layer's output for every row of x (N, D) into y (N, C); see `Forward`.

    `buffer` holds twice as many numbers as the widest layer has, and `rows` once as many.
    """
    dtype = y.dtype.type
    one = dtype(1)
    scale = one / dtype(255) if x.itemsize == 1 else one
    source, target = buffer[: buffer.size // 2], buffer[buffer.size // 2 :]
    for i in range(len(x)):
        listed = list_rows(x[i], scale, layers[0, WEIGHTS], row_bytes(y, layers[0]), source, rows)
        for layer in range(len(layers) - 1):
            outputs = target[: layers[layer, OUTPUTS]]
            affine_row(source, rows, listed, outputs, layers[layer])
            activate(outputs, layers[layer, ACTIVATION])
            following = layers[layer + 1]
            listed = list_rows(outputs, one, following[WEIGHTS], row_bytes(y, following), target, rows)
            source, target = target, source
        affine_row(source, rows, listed, y[i], layers[-1])


@njit
def row_bytes(y: Array, layer: Array) -> int:
    """Return the bytes from one row of a layer's W to the next."""
    size: int = layer[OUTPUTS] * y.itemsize
    return size


@njit
def affine_row(numbers: Array, rows: Array, listed: int, y: Array, layer: Array) -> None:
    """Write x W + b for one row into y; x and W as `list_rows` lists them."""
    for j in range(y.size):
        y[j] = number_at(layer[BIASES], j, y)
    add_product(numbers, rows, listed, y)


@njit
def finish_rows(y: Array, b: Array, activation: int) -> None:
    """Replace every row of y by activation(row + b)."""
    for i in range(y.shape[0]):
        add_bias_activated(y[i], b, activation)
