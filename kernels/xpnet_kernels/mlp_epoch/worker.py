"""What each thread does in a compiled epoch.

A thread owns some outputs of every layer: it alone reads and writes their weights' gradients, and the first
layer's weights, the most of a net, never move to another core. The samples of a batch go through the net in
pieces that stay in a core's cache; a batch of the usual length is one. A piece begins with the forward pass
of the first layer's outputs. The threads meet, and share its rows: the layers after it, loss and backward
pass. They meet again, and each adds the gradient of its own outputs; after the last piece it updates them.
No element is computed differently for all that, so any number of threads gives the same bits.
"""

from __future__ import annotations

from typing import Any

from xpnet_kernels._ahead import CACHE_LINE, NOTHING, Ahead
from xpnet_kernels._arrays import Array
from xpnet_kernels._barrier import atomic_load, atomic_store, meet
from xpnet_kernels._jit import njit
from xpnet_kernels._rows import vectors_of
from xpnet_kernels._sums import LONGEST
from xpnet_kernels._tiles import lane_count, tile_rows
from xpnet_kernels._views import view
from xpnet_kernels.mlp_epoch import listed, phases, updates
from xpnet_kernels.mlp_epoch.job import LAST, MADE, STOP
from xpnet_kernels.mlp_epoch.layout import INPUTS, matrix, samples, units
from xpnet_kernels.mlp_epoch.shares import own_outputs, piece_from, share

SMALLEST_GAP = 8
"""Bytes from one request for samples to the next where the products take long."""


@njit
def work(me: int, workers: int, net: Any, job: Any) -> None:
    """Be one of the workers of an epoch."""
    half, turn, size = 0, 1, job.batch_size
    # A net that descends along the bare gradient needs none in memory: its weights take it at once.
    direct = job.kind == updates.SGD and job.weight_decay == 0 and size <= job.piece
    first, last = own_outputs(net, 0, me, workers)
    gap = gap_between_requests(net, job, last - first)
    look_up(me, net, job, piece_from(job, 0))
    for step in range(len(job.losses)):
        begin, end = step * size, min((step + 1) * size, len(job.order))
        for at in range(begin, end, job.piece):
            own, rows = piece_from(job, at), net.input_rows[me]
            piece, following = job.order[own], piece_from(job, own.stop)
            ahead = what_follows(me, net, job, following, gap)
            bring_samples(me, net, job, piece, rows)
            look_up(me, net, job, following)
            rows = rows[: len(piece)]
            asked = through_the_inputs(me, workers, net, rows, job.levels, job.activations[0], half, ahead)
            turn = meet(job.meeting, me, workers, turn)
            if me == 0 and at == begin:
                add_penalty(job, step - 1)
            if me == 0:
                # Written between two meetings and read after the second, so that all see the same.
                atomic_store(job.flags, LAST, atomic_load(job.flags, STOP))
            through_the_rows(me, workers, net, half, job, piece, at - begin, end - begin)
            turn = meet(job.meeting, me, workers, turn)
            through_the_weights(me, workers, net, rows, job, half, step, ahead, asked, direct)
            half = 1 - half
        update_outputs(me, workers, net, job, step, direct)
        if me == 0:
            job.losses[step] = mean_loss(job, end - begin)
            atomic_store(job.flags, MADE, step + 1)
        if atomic_load(job.flags, LAST) != 0:
            break
    meet(job.meeting, me, workers, turn)
    if me == 0:
        add_penalty(job, atomic_load(job.flags, MADE) - 1)


@njit
def gap_between_requests(net: Any, job: Any, outputs: int) -> int:
    """Return how many bytes apart a worker asks for the next samples while it computes its outputs.

    The requests shall take as long as the products: closer together, they crowd out what the products need;
    further apart, they do not all get their turn.
    """
    side, size, vectors = tile_rows(net.weights), job.piece, vectors_of(net.plan[0, INPUTS], net.weights)
    tiles = (outputs + side - 1) // side
    times = tiles * ((size + side - 1) // side) * vectors + tiles * ((vectors + side - 1) // side) * size
    gap: int = size * job.x.strides[0] // max(times, 1)
    return min(max(gap, SMALLEST_GAP), CACHE_LINE)


@njit
def what_follows(me: int, net: Any, job: Any, following: slice, gap: int) -> Any:
    """Return the memory to ask for of the following piece, which `look_up` notes before it is read."""
    times = (job.x.strides[0] + gap - 1) // gap
    return Ahead(net.ahead[me, : following.stop - following.start], times, gap)


@njit
def look_up(me: int, net: Any, job: Any, piece: slice) -> None:
    """Note where the samples of the next piece, or their records, are."""
    batch = job.order[piece]
    if net.listed:
        listed.look_up(job.records, batch, net.ahead[me], net.ahead_ends[me])
    else:
        phases.locate(net.ahead[me], job.x, batch)


@njit
def bring_samples(me: int, net: Any, job: Any, batch: Array, rows: Array) -> None:
    """Write the addresses of some samples, or records, that were looked up, as this worker reads them."""
    if net.listed or job.in_place:
        for i in range(len(batch)):
            rows[i] = net.ahead[me, i]
    else:
        phases.gather(net.inputs[me], job.x, batch, job.scale)
        phases.locate_all(rows, net.inputs[me, : len(batch)])


@njit
def through_the_inputs(
    me: int, workers: int, net: Any, inputs: Array, levels: Array, activation: int, half: int, ahead: Any
) -> Any:
    """Send a piece through this worker's outputs of the first layer, with an eye to the next one.

    Return how often was asked for that, as `multiply` does.
    """
    y = view(net.values[half], samples(net, 1))
    first, last = own_outputs(net, 0, me, workers)
    if not net.listed:
        return phases.forward(net, inputs, y, 0, activation, first, last, 0, len(inputs), ahead, 0)
    panels, b = view(net.weights, matrix(net, 0)), net.biases[units(net, 0)]
    soon = len(ahead.rows) // 2
    stretches = ahead.rows[:soon], net.ahead_ends[me, :soon]
    listed.set_products(inputs, levels, net.plan[0, INPUTS], panels, b, y, first, last, stretches)
    for i in range(len(inputs)):
        phases.activate(y[i, first:last], activation)
    return 0


@njit
def through_the_rows(
    me: int, workers: int, net: Any, half: int, job: Any, piece: Array, before: int, count: int
) -> None:
    """Send this worker's rows of a piece from the first layer's output to the loss and back.

    `before` rows of the batch came earlier, of `count` in all.
    """
    values, layers = net.values[half], len(job.activations)
    start, stop = share(len(piece), me, workers, tile_rows(values))
    for layer in range(1, layers):
        y, outputs = view(values, samples(net, layer + 1)), net.plan[layer + 1, INPUTS]
        rows = net.value_rows[half, layer]
        activation = job.activations[layer]
        phases.forward(net, rows, y, layer, activation, 0, outputs, start, stop, NOTHING, 0)
    scale = job.losses.dtype.type(1 / count)
    phases.loss(net, values, job.t, piece, scale, job.row_losses[before:], start, stop)
    for layer in range(layers - 1, 0, -1):
        phases.backward(net, values, layer, job.activations[layer - 1], start, stop)


@njit
def through_the_weights(
    me: int, workers: int, net: Any, inputs: Array, job: Any, half: int, step: int, ahead: Any, asked: int,
    direct: bool,
) -> None:  # fmt: skip
    """Add a piece's gradient for this worker's outputs of every layer, with an eye to the next one."""
    one, count = job.losses.dtype.type(1), len(inputs)
    into, alpha = (net.weights, -job.numbers[step, 0]) if direct else (net.gradients, one)
    asked = add_to_first_layer(me, workers, net, inputs, job.levels, into, alpha, ahead, asked)
    for layer in range(len(job.activations)):
        first, last = own_outputs(net, layer, me, workers)
        if layer > 0:
            x = net.value_rows[half, layer]
            asked = phases.add_gradient(net, x, into, layer, count, first, last, ahead, asked, alpha)
        phases.add_bias_gradient(net, me, layer, count, first, last, job.batch_size > LONGEST)


@njit
def add_to_first_layer(
    me: int, workers: int, net: Any, inputs: Array, levels: Array, into: Array, alpha: Any, ahead: Any,
    asked: int,
) -> Any:  # fmt: skip
    """Add alpha times a piece's gradient for this worker's outputs of the first layer; see `multiply`."""
    first, last = own_outputs(net, 0, me, workers)
    if not net.listed:
        return phases.add_gradient(net, inputs, into, 0, len(inputs), first, last, ahead, asked, alpha)
    dy, panels = view(net.deltas, samples(net, 1)), view(into, matrix(net, 0))
    soon = slice(len(ahead.rows) // 2, len(ahead.rows))
    stretches = ahead.rows[soon], net.ahead_ends[me, soon]
    listed.add_outer_products(
        inputs, levels, net.plan[0, INPUTS], panels, alpha, dy, first, last, net.sums[me], stretches
    )
    return asked


@njit
def update_outputs(me: int, workers: int, net: Any, job: Any, step: int, direct: bool) -> None:
    """Update this worker's outputs of every layer; where weights decay, note their Σ W² before."""
    penalty = 0.0
    for layer in range(len(job.activations)):
        first, last = own_outputs(net, layer, me, workers)
        if not direct:
            penalty += update_weights(net, job, layer, step, first, last)
        update_biases(me, net, job, layer, step, first, last)
    job.penalties[me] = penalty


@njit
def update_weights(net: Any, job: Any, layer: int, step: int, first: int, last: int) -> Any:
    """Update outputs first to last of a matrix and clear their gradient; return their Σ W² before."""
    penalty, inputs, place = 0.0, net.plan[layer, INPUTS], matrix(net, layer)
    W, gradient = view(net.weights, place), view(net.gradients, place)
    state0, state1 = view(net.weight_state0, place), view(net.weight_state1, place)
    if net.listed and layer == 0:  # a row is a panel then
        first, last, inputs = first // lane_count(W), vectors_of(last, W), inputs * lane_count(W)
    for row in range(first, last):
        w, g = W[row, :inputs], gradient[row, :inputs]
        if job.weight_decay != 0:
            for i in range(w.size):
                penalty += w[i] * w[i]
                g[i] += job.weight_decay * w[i]
        updates.update(job.kind, w, g, state0[row, :inputs], state1[row, :inputs], job.numbers[step])
        g[:] = 0
    return penalty


@njit
def update_biases(me: int, net: Any, job: Any, layer: int, step: int, first: int, last: int) -> None:
    """Update a layer's biases first to last and clear their gradient."""
    own = slice(first, last)
    b, g = net.biases[units(net, layer)][own], net.bias_gradients[me][units(net, layer)][own]
    if job.batch_size > LONGEST:
        phases.take_sums(net.bias_sums[me][units(net, layer)][own], g)
    state0, state1 = net.bias_state0[units(net, layer)][own], net.bias_state1[units(net, layer)][own]
    updates.update(job.kind, b, g, state0, state1, job.numbers[step])
    g[:] = 0


@njit
def mean_loss(job: Any, rows: int) -> Any:
    """Return the mean of the batch's losses, summed in float64."""
    total = 0.0
    for i in range(rows):
        total += job.row_losses[i]
    return total / rows


@njit
def add_penalty(job: Any, step: int) -> None:
    """Add ½ λ Σ W² to a step's loss, once every worker has noted its share; do nothing before step 0."""
    if step >= 0:
        total = 0.0
        for penalty in job.penalties:
            total += penalty
        job.losses[step] += 0.5 * job.weight_decay * total
