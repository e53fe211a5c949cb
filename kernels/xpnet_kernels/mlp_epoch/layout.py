"""Where everything of an epoch lies: flat buffers, and a table of what begins where.

One buffer for all layers makes the compiled code the same for every depth and width.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._panels import pack, unpack
from xpnet_kernels._simd import ROWS, panel_width

# Columns of the plan. Row l describes layer l; a last row describes what the last layer puts out.
INPUTS, OUTPUTS, PANELS, DEPTH, WIDTH, STRIDE, WEIGHTS_AT, BIASES_AT, VALUES_AT = range(9)


class Net(NamedTuple):
    """The buffers of a net while an epoch runs.

    Attributes
    ----------
    plan : array (layers + 1, 9), int64
        Per layer: inputs D, outputs H, panels P of its matrix, rows of a panel (D, or ROWS if that is more),
        width of a panel, elements from one row of its input to the next, and where its matrix, its bias and
        its input begin.
    rows : int
        How many samples the buffers hold: the batch, or ROWS if that is more.
    weights, weight_gradients, weight_state0, weight_state1 : array
        Per layer panels (P, rows of a panel, width).
    biases, bias_gradients, bias_state0, bias_state1 : array
        Per layer (P · width,).
    transposed : array
        Per layer the panels of Wᵀ, beginning where those of W do.
    values, deltas, delta_panels : array
        The input of each layer, row by row; the loss's gradient at the same places; and that as panels.
    """

    plan: Array
    rows: int
    weights: Array
    weight_gradients: Array
    weight_state0: Array
    weight_state1: Array
    biases: Array
    bias_gradients: Array
    bias_state0: Array
    bias_state1: Array
    transposed: Array
    values: Array
    deltas: Array
    delta_panels: Array


def make_plan(sizes: Sequence[int], batch_size: int, dtype: Any) -> tuple[Array, int, int, int]:
    """Return the plan, and how long the buffers of matrices, biases and values must be."""
    plan = np.zeros((len(sizes), 9), dtype=np.int64)
    rows = max(batch_size, ROWS)
    stride, weights_at, biases_at, values_at = sizes[0], 0, 0, 0
    for layer, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        width = panel_width(outputs, dtype)
        panels, depth = -(-outputs // width), max(inputs, ROWS)
        plan[layer] = inputs, outputs, panels, depth, width, stride, weights_at, biases_at, values_at
        # The matrix's place must hold the transposed panels too.
        transposed = stride * outputs if layer else 0
        weights_at += max(panels * depth * width, transposed)
        biases_at += panels * width
        values_at += rows * stride
        stride = panels * width
    plan[-1, [INPUTS, STRIDE, VALUES_AT]] = sizes[-1], stride, values_at
    # A tile that hangs over a narrow matrix reads up to ROWS numbers beyond the last.
    return plan, weights_at, biases_at, values_at + rows * stride + ROWS


def make_net(sizes: Sequence[int], batch_size: int, dtype: Any) -> Net:
    """Return buffers of zeros for a net of the given widths."""
    plan, weights, biases, values = make_plan(sizes, batch_size, dtype)
    lengths = [weights] * 4 + [biases] * 4 + [weights] + [values] * 3
    return Net(plan, max(batch_size, ROWS), *(np.zeros(length, dtype=dtype) for length in lengths))


def matrix_panels(net: Net, buffer: Array, layer: int) -> Array:
    """View a layer's matrix in one of the buffers of matrices."""
    panels, depth, width = net.plan[layer, [PANELS, DEPTH, WIDTH]]
    start = net.plan[layer, WEIGHTS_AT]
    return buffer[start : start + panels * depth * width].reshape(panels, depth, width)


def bias_view(net: Net, buffer: Array, layer: int) -> Array:
    """View a layer's bias in one of the buffers of biases."""
    start = net.plan[layer, BIASES_AT]
    return buffer[start : start + net.plan[layer, OUTPUTS]]


def load(net: Net, arrays: Sequence[Array]) -> None:
    """Copy parameters and state, in the order of `mlp_epoch`, into the buffers."""
    for number, array in enumerate(arrays):
        buffer, layer = _place(net, number)
        if array.ndim == 2:
            pack(array, matrix_panels(net, buffer, layer))
        else:
            bias_view(net, buffer, layer)[:] = array


def store(net: Net, arrays: Sequence[Array]) -> None:
    """Copy parameters and state from the buffers into arrays, in the order of `mlp_epoch`."""
    for number, array in enumerate(arrays):
        buffer, layer = _place(net, number)
        if array.ndim == 2:
            unpack(matrix_panels(net, buffer, layer), array)
        else:
            array[:] = bias_view(net, buffer, layer)


def _place(net: Net, number: int) -> tuple[Array, int]:
    """Return the buffer and the layer of the `number`-th of `mlp_epoch`'s arrays."""
    kind, within = divmod(number, 2 * (len(net.plan) - 1))
    layer, is_bias = divmod(within, 2)
    matrices = (net.weights, net.weight_state0, net.weight_state1)
    biases = (net.biases, net.bias_state0, net.bias_state1)
    return (biases if is_bias else matrices)[kind], layer
