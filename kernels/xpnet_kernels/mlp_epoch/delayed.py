"""Plain SGD on one sample a step, with the changes of the first layer delayed: it takes a block's at once.

A step adds xᵀ d to W1, which the next sample x' meets as (x' xᵀ) d. So the samples of a block all go through
the W1 that the block began with, as those of a batch do; one after another they then add what the steps
before them in the block have changed, and take the other layers through a step each; and W1 takes the sum of
the changes. That is the same mathematics at a fraction of the memory traffic, as long as no x' xᵀ overflows.
These products depend on no weight: the last worker computes those of the next block while the first one goes
from sample to sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from xpnet_kernels._ahead import NOTHING
from xpnet_kernels._arrays import Array
from xpnet_kernels._barrier import atomic_load, atomic_store, meet
from xpnet_kernels._jit import njit
from xpnet_kernels._rows import addresses, empty_rows, multiply, multiply_transposed
from xpnet_kernels._simd import tile_side
from xpnet_kernels._tiles import tile_rows
from xpnet_kernels._views import view
from xpnet_kernels.mlp_epoch import layout, listed, phases, worker
from xpnet_kernels.mlp_epoch.job import LAST, MADE, STOP
from xpnet_kernels.mlp_epoch.layout import INPUTS, Net, make_net, matrix, samples, units
from xpnet_kernels.mlp_epoch.shares import own_outputs

BLOCK = 30
"""Samples whose changes of W1 wait for each other: whole tiles of 3 and of 5 rows, and no more than go
straight into W1, see `listed.FEW_SAMPLES`."""


class Delayed(NamedTuple):
    """The buffers of a net that is trained sample by sample.

    Attributes
    ----------
    net : Net
        For a piece that is a block.
    products : array (2, rows, n)
        Of each sample with those before it, for this block and the next in turns.
    inputs : array (rows, n)
        The samples of the block whose products are computed, whole.
    input_rows : array (rows,), int64
        The addresses of their rows.
    """

    net: Net
    products: Array
    inputs: Array
    input_rows: Array


def make_delayed(sizes: Sequence[int], block: int, workers: int, dtype: Any, listed: bool = False) -> Delayed:
    """Return buffers of zeros for a net of the given widths."""
    # What goes back through a layer from one sample is a tile of rows.
    net = make_net(sizes, block + tile_side() - 1, workers, dtype, listed=listed)
    inputs, products = empty_rows(block, sizes[0], dtype), empty_rows(block, block, dtype)
    return Delayed(net, np.stack([products, products]), inputs, addresses(inputs))


def load_delayed(delayed: Delayed, arrays: Sequence[Array]) -> None:
    """Copy W1, b1, W2, b2, ... into the buffers."""
    layout.load(delayed.net, arrays)


def store_delayed(delayed: Delayed, arrays: Sequence[Array]) -> None:
    """Copy W1, b1, W2, b2, ... from the buffers into arrays."""
    layout.store(delayed.net, arrays)


@njit
def work_delayed(me: int, workers: int, delayed: Any, job: Any) -> None:
    """Be one of the workers of an epoch, as `worker.work` is."""
    net, half, turn, one = delayed.net, 0, 1, job.losses.dtype.type(1)
    first, last = own_outputs(net, 0, me, workers)
    gap = worker.gap_between_requests(net, job, last - first)
    following = block_from(job, 0)
    worker.look_up(me, net, job, following)
    if me == workers - 1:
        multiply_samples(delayed, job, following, 0)
    while following.start < len(job.losses):
        own, following, rows = following, block_from(job, following.stop), net.input_rows[me]
        worker.bring_samples(me, net, job, job.order[own], rows)
        worker.look_up(me, net, job, following)
        rows, ahead = rows[: own.stop - own.start], worker.what_follows(me, net, job, following, gap)
        asked = worker.through_the_inputs(me, workers, net, rows, job.levels, phases.NONE, half, ahead)
        turn = meet(job.meeting, me, workers, turn)
        if me == 0:
            atomic_store(job.flags, LAST, atomic_load(job.flags, STOP))
            step_by_step(delayed, job, own, half)
        if me == workers - 1:
            multiply_samples(delayed, job, following, 1 - half)
        turn = meet(job.meeting, me, workers, turn)
        worker.add_to_first_layer(me, workers, net, rows, job.levels, net.weights, one, ahead, asked)
        half = 1 - half
        if me == 0:
            atomic_store(job.flags, MADE, own.stop)
        if atomic_load(job.flags, LAST) != 0:
            break
    meet(job.meeting, me, workers, turn)


@njit
def block_from(job: Any, at: int) -> slice:
    """Return the places in `order` of the block that begins at one, none at the end of the epoch."""
    return slice(at, min(at + job.piece, len(job.order)))


@njit
def multiply_samples(delayed: Any, job: Any, own: slice, half: int) -> None:
    """Multiply every sample of a block with those before it."""
    block, net = job.order[own], delayed.net
    if net.listed:
        listed.unpack(job.records, job.levels, block, net.plan[0, INPUTS], delayed.inputs)
    else:
        phases.gather(delayed.inputs, job.x, block, job.scale)
    x, rows, products = delayed.inputs, delayed.input_rows, delayed.products[half]
    count, inputs, side = len(block), net.plan[0, INPUTS], tile_rows(x)
    for j in range(0, count, side):
        multiply_transposed(rows, x, products, inputs, j, j + side, j, count, NOTHING, 0)


@njit
def step_by_step(delayed: Any, job: Any, own: slice, half: int) -> None:
    """Take the samples of a block through a step each, all but what W1 takes."""
    net, block = delayed.net, job.order[own]
    products, outputs, one = delayed.products[half], net.plan[1, INPUTS], job.losses.dtype.type(1)
    y, dy = view(net.values[half], samples(net, 1)), view(net.deltas, samples(net, 1))
    for i in range(len(block)):
        row = y[i, :outputs]
        for j in range(i):
            add_multiple(row, products[i, j] + one, dy[j, :outputs])  # + 1, for its input, of b
        phases.activate(row, job.activations[0])
        take_step(net, job, block, own.start, i, half)
        change, factor = dy[i, :outputs], -job.numbers[own.start + i, 0]
        for j in range(outputs):
            change[j] *= factor
        add_multiple(net.biases[units(net, 0)], one, change)


@njit
def add_multiple(y: Array, factor: Any, x: Array) -> None:
    """Add factor x to y."""
    for i in range(y.size):
        y[i] += factor * x[i]


@njit
def take_step(net: Any, job: Any, block: Array, begin: int, i: int, half: int) -> None:
    """Take the i-th sample of a block from the first layer's output to the loss and back there.

    All other layers are updated.
    """
    values, layers, factor = net.values[half], len(job.activations), -job.numbers[begin + i, 0]
    for layer in range(1, layers):
        y, outputs = view(values, samples(net, layer + 1)), net.plan[layer + 1, INPUTS]
        x, activation = net.value_rows[half, layer], job.activations[layer]
        phases.forward(net, x, y, layer, activation, 0, outputs, i, i + 1, NOTHING, 0)
    phases.loss(net, values, job.t, block, job.losses.dtype.type(1), job.losses[begin:], i, i + 1)
    for layer in range(layers - 1, 0, -1):
        outputs, dy = net.plan[layer + 1, INPUTS], view(net.deltas, samples(net, layer + 1))[i : i + 1]
        phases.backward(net, values, layer, job.activations[layer - 1], i, i + 1)
        x, W = net.value_rows[half, layer, i : i + 1], view(net.weights, matrix(net, layer))
        multiply(dy.T, x, W, 1, net.plan[layer, INPUTS], 0, outputs, NOTHING, 0, factor)
        add_multiple(net.biases[units(net, layer)], factor, dy[0, :outputs])
