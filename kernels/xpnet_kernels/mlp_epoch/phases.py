"""What a step of an epoch consists of, each on some rows of the batch or some outputs of a layer."""

from __future__ import annotations

from typing import Any

from xpnet_kernels._ahead import NOTHING
from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit
from xpnet_kernels._rows import multiply, multiply_transposed
from xpnet_kernels._sums import add_many_rows, add_rows
from xpnet_kernels._tiles import tile_rows
from xpnet_kernels._views import view
from xpnet_kernels.mlp_epoch.layout import INPUTS, matrix, samples, units
from xpnet_kernels.sigmoid import sigmoid_value
from xpnet_kernels.softmax_cross_entropy import cross_entropy_row
from xpnet_kernels.tanh import tanh_value

NONE, RELU, SIGMOID, TANH = range(4)
CODES = {"relu": RELU, "sigmoid": SIGMOID, "tanh": TANH}
"""Codes of the activations."""

MOST_ROWS = 64
"""Rows whose share in a weight's gradient is added up at once: a tile's columns of so many stay in
the first-level cache while all the outputs take their turn."""


@njit
def locate(rows: Array, x: Array, batch: Array) -> None:
    """Write the addresses of a batch's samples."""
    for i in range(len(batch)):
        rows[i] = x.ctypes.data + batch[i] * x.strides[0]


@njit
def locate_all(rows: Array, x: Array) -> None:
    """Write the addresses of the rows of x."""
    for i in range(len(x)):
        rows[i] = x.ctypes.data + i * x.strides[0]


@njit
def gather(inputs: Array, x: Array, batch: Array, scale: Any) -> None:
    """Copy the samples of a batch into rows of the net's dtype and length, multiplied by `scale`."""
    for i in range(len(batch)):
        sample, row = x[batch[i]], inputs[i]
        for j in range(sample.size):
            row[j] = inputs.dtype.type(sample[j]) * scale


@njit
def forward(
    net: Any, x: Array, y: Array, layer: int, activation: int, first: int, last: int, start: int, stop: int,
    ahead: Any, asked: int,
) -> Any:  # fmt: skip
    """Send rows start to stop of x, given by their addresses, through outputs first to last of a layer.

    Meanwhile ask for memory; return how often was asked by now.
    """
    W = view(net.weights, matrix(net, layer))
    inputs = net.plan[layer, INPUTS]
    asked = multiply_transposed(x, W, y, inputs, first, last, start, stop, ahead, asked)
    b = net.biases[units(net, layer)][first:last]
    # The last tile may end beyond the layer: with an x of inf, x · 0 there is NaN, which the next would meet.
    end, zero = last + -last % tile_rows(W), y.dtype.type(0)
    for i in range(start, stop):
        add_bias_activated(y[i, first:last], b, activation)
        for j in range(last, end):
            y[i, j] = zero
    return asked


@njit
def add_bias_activated(row: Array, b: Array, activation: int) -> None:
    """Replace a row by activation(row + b)."""
    for j in range(row.size):
        row[j] += b[j]
    activate(row, activation)


@njit
def activate(row: Array, activation: int) -> None:
    """Replace a row by its activation; NaN stays NaN."""
    zero, one = row.dtype.type(0), row.dtype.type(1)
    if activation == RELU:
        for j in range(row.size):
            row[j] = zero if row[j] <= zero else row[j]
    elif activation == SIGMOID:
        for j in range(row.size):
            row[j] = sigmoid_value(row[j], one)
    elif activation == TANH:
        for j in range(row.size):
            row[j] = tanh_value(row[j], one)


@njit
def loss(
    net: Any, values: Array, t: Array, batch: Array, scale: Any, row_losses: Array, start: int, stop: int
) -> None:
    """Note each row's loss, and the loss's gradient at the last layer's output."""
    last = len(net.plan) - 1
    classes = net.plan[last, INPUTS]
    logits, gradients = view(values, samples(net, last)), view(net.deltas, samples(net, last))
    for i in range(start, stop):
        row_losses[i] = cross_entropy_row(logits[i, :classes], t[batch[i]], scale, gradients[i, :classes])


@njit
def backward(net: Any, values: Array, layer: int, activation: int, start: int, stop: int) -> None:
    """Carry the gradient of rows start to stop from a layer's output back to its input.

    `activation` is the one that made the input.
    """
    dy, dx = view(net.deltas, samples(net, layer + 1)), view(net.deltas, samples(net, layer))
    inputs = net.plan[layer, INPUTS]
    rows_of_W = net.weight_rows[units(net, layer)]
    multiply(dy, rows_of_W, dx, net.plan[layer + 1, INPUTS], inputs, start, stop, NOTHING, 0, None)
    x = view(values, samples(net, layer))
    for i in range(start, stop):
        multiply_by_derivative(dx[i, :inputs], x[i, :inputs], activation)


@njit
def multiply_by_derivative(dx: Array, y: Array, activation: int) -> None:
    """Multiply dx by the activation's derivative, given the activation's output y."""
    zero, one = dx.dtype.type(0), dx.dtype.type(1)
    if activation == RELU:
        for i in range(dx.size):
            dx[i] = dx[i] if y[i] > zero else zero
    elif activation == SIGMOID:
        for i in range(dx.size):
            dx[i] = dx[i] * y[i] * (one - y[i])
    elif activation == TANH:
        for i in range(dx.size):
            dx[i] = dx[i] * (one - y[i] * y[i])


@njit
def add_gradient(
    net: Any, x: Array, buffer: Array, layer: int, count: int, first: int, last: int, ahead: Any, asked: int,
    alpha: Any,
) -> Any:  # fmt: skip
    """Add alpha dWᵀ = alpha dyᵀ x to rows first to last of a layer's matrix in a buffer of matrices.

    x is given by the addresses of its rows. Meanwhile ask for memory; return how often was asked by now.
    """
    into, inputs = view(buffer, matrix(net, layer)), net.plan[layer, INPUTS]
    dy = view(net.deltas, samples(net, layer + 1)).T
    parts = (count + MOST_ROWS - 1) // MOST_ROWS
    for part in range(parts):
        own = slice(count * part // parts, count * (part + 1) // parts)
        inner = own.stop - own.start
        asked = multiply(dy[:, own], x[own], into, inner, inputs, first, last, ahead, asked, alpha)
    return asked


@njit
def add_bias_gradient(
    net: Any, me: int, layer: int, rows: int, first: int, last: int, in_parts: bool
) -> None:
    """Add outputs first to last of a layer's db, the sum of dy over the rows, for worker `me`.

    In parts, that of a batch of more than LONGEST samples is added to `bias_sums`.
    """
    own = slice(units(net, layer).start + first, units(net, layer).start + last)
    dy = view(net.deltas, samples(net, layer + 1))[:rows, first:last]
    if in_parts:
        add_many_rows(dy, net.bias_gradients[me, own], net.bias_sums[me, own])
    else:
        add_rows(dy, net.bias_gradients[me, own])


@njit
def take_sums(sums: Array, db: Array) -> None:
    """Move sums to db, in its dtype, and clear them."""
    for j in range(db.size):
        db[j], sums[j] = sums[j], 0
