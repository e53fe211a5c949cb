"""Plain SGD on one sample a step, by one thread: memory is what takes the time, so little of it is touched.

Where an input is 0, its row of W takes no part, neither in the product nor in the update: most of an image's
rows, and half of those behind ReLU. W lies as the user has it, (D, H), its rows filled up to whole vectors.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._barrier import atomic_load, atomic_store
from xpnet_kernels._jit import njit
from xpnet_kernels._listed_rows import add_outer_product, list_rows, set_product
from xpnet_kernels._rows import aligned_zeros
from xpnet_kernels._simd import lanes
from xpnet_kernels._simd_list import PLACE
from xpnet_kernels._views import view
from xpnet_kernels.mlp_epoch import phases
from xpnet_kernels.mlp_epoch.job import MADE, STOP
from xpnet_kernels.softmax_cross_entropy import cross_entropy_row

INPUTS, OUTPUTS, STRIDE, WEIGHTS_AT, BIASES_AT, INPUTS_AT, OUTPUTS_AT = range(7)
"""Columns of the plan. Row l describes layer l."""


class Single(NamedTuple):
    """The buffers of a net while it is trained sample by sample.

    Attributes
    ----------
    plan : array (layers, 7), int64
        Per layer: D, H, elements from one row of W to the next, and where W, b, input and output begin.
    weights, biases : array
        Per layer W (D, H), and b.
    values, deltas : array
        Per layer its input; what the last one puts out; the loss's gradient at the same places.
    numbers, places : array
        Per layer, at the place of its input, those of its inputs that are not 0 and which these are.
    listed : array (layers,), int64
        How many these are.
    """

    plan: Array
    weights: Array
    biases: Array
    values: Array
    deltas: Array
    numbers: Array
    places: Array
    listed: Array


def make_single(sizes: Sequence[int], batch_size: int, workers: int, dtype: Any, listed: bool) -> Single:
    """Return buffers of zeros for a net of the given widths; batch size and workers are one, records none."""
    whole = [-(-size // lanes(dtype)) * lanes(dtype) for size in sizes]
    plan = np.zeros((len(sizes) - 1, OUTPUTS_AT + 1), dtype=np.int64)
    weights = biases = values = 0
    for layer, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        stride = whole[layer + 1]
        plan[layer] = inputs, outputs, stride, weights, biases, values, values + whole[layer]
        weights, biases, values = weights + inputs * stride, biases + stride, values + whole[layer]
    values += whole[-1]
    return Single(
        plan=plan,
        weights=aligned_zeros(weights, dtype),
        biases=aligned_zeros(biases, dtype),
        values=aligned_zeros(values, dtype),
        deltas=aligned_zeros(values, dtype),
        numbers=aligned_zeros(values, dtype),
        places=np.zeros(values, dtype=PLACE),
        listed=np.zeros(len(plan), dtype=np.int64),
    )


def load_single(net: Single, arrays: Sequence[Array]) -> None:
    """Copy W1, b1, W2, b2, ... into the buffers."""
    for number, array in enumerate(arrays):
        _place(net, number)[...] = array


def store_single(net: Single, arrays: Sequence[Array]) -> None:
    """Copy W1, b1, W2, b2, ... from the buffers into arrays."""
    for number, array in enumerate(arrays):
        array[...] = _place(net, number)


def _place(net: Single, number: int) -> Array:
    layer, is_bias = divmod(number, 2)
    inputs, outputs, stride, weights_at, biases_at = (int(n) for n in net.plan[layer, : BIASES_AT + 1])
    if is_bias:
        return net.biases[biases_at : biases_at + outputs]
    return net.weights[weights_at : weights_at + inputs * stride].reshape(inputs, stride)[:, :outputs]


@njit
def work_alone(me: int, workers: int, net: Any, job: Any) -> None:
    """Be the only worker of an epoch: train on its samples, one after another."""
    last, one = len(net.plan) - 1, job.losses.dtype.type(1)
    for step in range(len(job.losses)):
        sample = job.order[step]
        forward(net, job.x[sample], job.scale, job.activations)
        logits, gradient = net.values[outputs_of(net, last)], net.deltas[outputs_of(net, last)]
        job.losses[step] = cross_entropy_row(logits, job.t[sample], one, gradient)
        descend(net, job.activations, -job.numbers[step, 0])
        atomic_store(job.flags, MADE, step + 1)
        if atomic_load(job.flags, STOP) != 0:
            break


@njit
def inputs_of(net: Any, layer: int) -> slice:
    """Return where a layer's input is in a buffer of values."""
    start = net.plan[layer, INPUTS_AT]
    return slice(start, start + net.plan[layer, INPUTS])


@njit
def outputs_of(net: Any, layer: int) -> slice:
    """Return where a layer's output is in a buffer of values."""
    start = net.plan[layer, OUTPUTS_AT]
    return slice(start, start + net.plan[layer, OUTPUTS])


@njit
def biases_of(net: Any, layer: int) -> slice:
    """Return where a layer's b is in the buffer of biases."""
    start = net.plan[layer, BIASES_AT]
    return slice(start, start + net.plan[layer, OUTPUTS])


@njit
def matrix_of(net: Any, layer: int) -> tuple[int, int]:
    """Return the address of a layer's W, and the bytes of a row."""
    item = net.weights.itemsize
    start, stride = net.plan[layer, WEIGHTS_AT], net.plan[layer, STRIDE]
    return net.weights.ctypes.data + start * item, stride * item


@njit
def list_inputs(net: Any, layer: int, x: Array, scale: Any) -> None:
    """List which rows of a layer's W the sample x (D,), times `scale`, needs."""
    own = inputs_of(net, layer)
    net.listed[layer] = list_rows(x, 0, x.size, scale, net.numbers[own], net.places[own])


@njit
def forward(net: Any, x: Array, scale: Any, activations: Array) -> None:
    """Send a sample x (D,) through every layer."""
    list_inputs(net, 0, x, scale)
    for layer in range(len(net.plan)):
        own, y = inputs_of(net, layer), net.values[outputs_of(net, layer)]
        W, row_bytes = matrix_of(net, layer)
        b = net.biases[biases_of(net, layer)]
        set_product(net.numbers[own], net.places[own], net.listed[layer], W, row_bytes, b, y)
        phases.activate(y, activations[layer])
        if layer + 1 < len(net.plan):
            list_inputs(net, layer + 1, y, y.dtype.type(1))


@njit
def descend(net: Any, activations: Array, factor: Any) -> None:
    """Add `factor` times the gradient to every parameter, from the last layer to the first."""
    for layer in range(len(net.plan) - 1, -1, -1):
        own, dy = inputs_of(net, layer), net.deltas[outputs_of(net, layer)]
        if layer > 0:
            backward(net, layer, dy, net.deltas[own])
            phases.multiply_by_derivative(net.deltas[own], net.values[own], activations[layer - 1])
        b = net.biases[biases_of(net, layer)]
        for j in range(dy.size):
            b[j] += factor * dy[j]
        W, row_bytes = matrix_of(net, layer)
        add_outer_product(net.numbers[own], net.places[own], net.listed[layer], W, row_bytes, factor, dy)


@njit
def backward(net: Any, layer: int, dy: Array, dx: Array) -> None:
    """Write dx = W dy."""
    stride = net.plan[layer, STRIDE]
    W = view(net.weights, (net.plan[layer, WEIGHTS_AT], dx.size, stride))
    for k in range(dx.size):
        total = dx.dtype.type(0)
        for j in range(dy.size):
            total += W[k, j] * dy[j]
        dx[k] = total
