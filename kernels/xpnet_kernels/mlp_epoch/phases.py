"""The phases of a training step on the CPU, each over a range of rows so that threads can share it."""

from __future__ import annotations

import math
from typing import Any

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit
from xpnet_kernels._panels import multiply_rows
from xpnet_kernels.affine_backward import add_rows
from xpnet_kernels.mlp_epoch.layout import (
    BIASES_AT,
    DEPTH,
    INPUTS,
    OUTPUTS,
    PANELS,
    STRIDE,
    VALUES_AT,
    WEIGHTS_AT,
    WIDTH,
)
from xpnet_kernels.sigmoid import sigmoid_value
from xpnet_kernels.softmax_cross_entropy import cross_entropy_row

NONE, RELU, SIGMOID, TANH = range(4)
"""Codes of the activations."""


@njit
def panels_of(net: Any, buffer: Array, layer: int) -> Array:
    """View a layer's matrix (P, rows of a panel, width) in a buffer of matrices."""
    plan = net.plan[layer]
    start, size = plan[WEIGHTS_AT], plan[PANELS] * plan[DEPTH] * plan[WIDTH]
    return buffer[start : start + size].reshape((plan[PANELS], plan[DEPTH], plan[WIDTH]))


@njit
def transposed_of(net: Any, layer: int) -> Array:
    """View the panels of a layer's Wᵀ: (panels of the layer before, H, their width)."""
    before, outputs = net.plan[layer - 1], net.plan[layer, OUTPUTS]
    start, size = net.plan[layer, WEIGHTS_AT], before[PANELS] * outputs * before[WIDTH]
    return net.transposed[start : start + size].reshape((before[PANELS], outputs, before[WIDTH]))


@njit
def gather(net: Any, x: Array, batch: Array, scale: Any, start: int, stop: int) -> None:
    """Copy the batch's samples into the first layer's input, multiplied by `scale`."""
    width = net.plan[0, STRIDE]
    for i in range(start, stop):
        sample, row = x[batch[i]], net.values[i * width : (i + 1) * width]
        for j in range(width):
            row[j] = net.values.dtype.type(sample[j]) * scale


@njit
def forward(net: Any, activations: Array, start: int, stop: int) -> None:
    """Send rows start to stop through every layer."""
    for layer in range(len(activations)):
        plan, following = net.plan[layer], net.plan[layer + 1]
        x, y = net.values[plan[VALUES_AT] :], net.values[following[VALUES_AT] :]
        W = panels_of(net, net.weights, layer)
        multiply_rows(x, plan[STRIDE], 1, W, plan[INPUTS], y, following[STRIDE], plan[WIDTH], start, stop)
        b = net.biases[plan[BIASES_AT] : plan[BIASES_AT] + following[STRIDE]]
        for i in range(start, stop):
            row = y[i * following[STRIDE] : (i + 1) * following[STRIDE]]
            add_bias_activated(row, b, activations[layer])


@njit
def add_bias_activated(row: Array, b: Array, activation: int) -> None:
    """Replace a row by activation(row + b)."""
    zero, one = row.dtype.type(0), row.dtype.type(1)
    for j in range(row.size):
        row[j] += b[j]
    if activation == RELU:
        for j in range(row.size):
            row[j] = zero if row[j] <= zero else row[j]
    elif activation == SIGMOID:
        for j in range(row.size):
            row[j] = sigmoid_value(row[j], one)
    elif activation == TANH:
        for j in range(row.size):
            row[j] = math.tanh(row[j])


@njit
def loss(net: Any, t: Array, batch: Array, scale: Any, row_losses: Array, start: int, stop: int) -> None:
    """Note each row's loss, and the loss's gradient at the last layer's output."""
    plan = net.plan[-1]
    at, stride, classes = plan[VALUES_AT], plan[STRIDE], plan[INPUTS]
    for i in range(start, stop):
        row = at + i * stride
        logits, gradient = net.values[row : row + classes], net.deltas[row : row + classes]
        row_losses[i] = cross_entropy_row(logits, t[batch[i]], scale, gradient)


@njit
def backward(net: Any, activations: Array, start: int, stop: int) -> None:
    """Carry the gradient of rows start to stop back to every layer's output."""
    for layer in range(len(activations) - 1, -1, -1):
        plan, following = net.plan[layer], net.plan[layer + 1]
        dy = net.deltas[following[VALUES_AT] :]
        if plan[PANELS] > 1:
            copy_to_panels(dy, net.delta_panels[following[VALUES_AT] :], plan, net.rows, start, stop)
        if layer > 0:
            dx, x = net.deltas[plan[VALUES_AT] :], net.values[plan[VALUES_AT] :]
            width = net.plan[layer - 1, WIDTH]
            Wt = transposed_of(net, layer)
            multiply_rows(dy, following[STRIDE], 1, Wt, plan[OUTPUTS], dx, plan[STRIDE], width, start, stop)
            stride = plan[STRIDE]
            part = slice(start * stride, stop * stride)
            multiply_by_derivative(dx[part], x[part], activations[layer - 1])


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
def copy_to_panels(dy: Array, panels: Array, plan: Array, rows: int, start: int, stop: int) -> None:
    """Copy rows of a gradient into its panels (P, rows, width), for the product with the input."""
    width = plan[WIDTH]
    for p in range(plan[PANELS]):
        for i in range(start, stop):
            source = (i * plan[PANELS] + p) * width
            target = (p * rows + i) * width
            panels[target : target + width] = dy[source : source + width]


@njit
def weight_gradient(net: Any, layer: int, rows: int, start: int, stop: int) -> None:
    """Write rows start to stop of a layer's dW = xᵀ dy over the batch's `rows` samples."""
    plan, following = net.plan[layer], net.plan[layer + 1]
    source = net.delta_panels if plan[PANELS] > 1 else net.deltas
    at, size = following[VALUES_AT], plan[PANELS] * net.rows * plan[WIDTH]
    dy = source[at : at + size].reshape((plan[PANELS], net.rows, plan[WIDTH]))
    x, dW = net.values[plan[VALUES_AT] :], net.weight_gradients[plan[WEIGHTS_AT] :]
    panel = plan[DEPTH] * plan[WIDTH]
    multiply_rows(x, 1, plan[STRIDE], dy, rows, dW, plan[WIDTH], panel, start, stop)


@njit
def bias_gradient(net: Any, layer: int, rows: int) -> None:
    """Write a layer's db, the sum of dy over the batch."""
    plan, following = net.plan[layer], net.plan[layer + 1]
    stride, at = following[STRIDE], following[VALUES_AT]
    db = net.bias_gradients[plan[BIASES_AT] : plan[BIASES_AT] + stride]
    db[:] = 0
    add_rows(net.deltas[at : at + rows * stride].reshape((rows, stride)), db)


@njit
def transpose(net: Any, layer: int, start: int, stop: int) -> None:
    """Bring the panels of Wᵀ up to date with rows start to stop of a layer's W."""
    W, Wt = panels_of(net, net.weights, layer), transposed_of(net, layer)
    width, narrow = W.shape[2], Wt.shape[2]
    for h in range(Wt.shape[1]):
        panel, column = W[h // width], h % width
        for d in range(start, stop):
            Wt[d // narrow, h, d % narrow] = panel[d, column]
