"""A few rows through every layer, one by one, on the parameters where they lie."""

from __future__ import annotations

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit
from xpnet_kernels._listed_rows import list_rows, set_product
from xpnet_kernels._simd_row import number_at
from xpnet_kernels.mlp_epoch.phases import activate, add_bias_activated

WEIGHTS, BIASES, INPUTS, OUTPUTS, ACTIVATION, FIELDS = range(6)
"""Columns of the table of layers: the addresses of W and b, their sizes, the activation's code."""


@njit
def forward_rows(x: Array, y: Array, layers: Array, buffer: Array, places: Array) -> None:
    """Write the last layer's output for every row of x (N, D) into y (N, C); see `Forward`.

    `buffer` holds twice as many numbers as the widest layer has, and `places` once as many.
    """
    dtype = y.dtype.type
    one = dtype(1)
    scale = one / dtype(255) if x.itemsize == 1 else one
    source, target = buffer[: buffer.size // 2], buffer[buffer.size // 2 :]
    for i in range(len(x)):
        listed = list_rows(x[i], 0, x.shape[1], scale, source, places)
        for layer in range(len(layers) - 1):
            outputs = target[: layers[layer, OUTPUTS]]
            affine_row(source, places, listed, outputs, layers[layer])
            activate(outputs, layers[layer, ACTIVATION])
            listed = list_rows(outputs, 0, outputs.size, one, target, places)
            source, target = target, source
        affine_row(source, places, listed, y[i], layers[-1])


@njit
def affine_row(numbers: Array, places: Array, listed: int, y: Array, layer: Array) -> None:
    """Write x W + b for one row into y; x as `list_rows` lists it."""
    for j in range(y.size):
        y[j] = number_at(layer[BIASES], j, y)
    set_product(numbers, places, listed, layer[WEIGHTS], layer[OUTPUTS] * y.itemsize, y, y)


@njit
def finish_rows(y: Array, b: Array, activation: int) -> None:
    """Replace every row of y by activation(row + b)."""
    for i in range(y.shape[0]):
        add_bias_activated(y[i], b, activation)
