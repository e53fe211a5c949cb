"""What each thread does in a compiled epoch.

Each step has two phases with a meeting of the threads after each. In the first a thread takes its share of
the batch's rows through gather, forward, loss and backward; in the second its share of every matrix's rows
through gradient and update. No element is computed differently for it, so any number of threads gives the
same bits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from xpnet_kernels._arrays import Array
from xpnet_kernels._barrier import LINE, atomic_load, atomic_store, meet
from xpnet_kernels._jit import njit
from xpnet_kernels._simd import ROWS
from xpnet_kernels.mlp_epoch import phases, updates
from xpnet_kernels.mlp_epoch.layout import DEPTH, INPUTS, PANELS, WEIGHTS_AT, WIDTH

STOP, LAST, MADE = 0, LINE, 2 * LINE
"""Where the flags of a job are, each in a cache line of its own."""


class Job(NamedTuple):
    """What an epoch is to do.

    Attributes
    ----------
    x : array (samples, D)
    t : array (samples,), int64
    order : array (visited,), int64
    batch_size : int
    scale : float
        What x is multiplied by.
    activations : array (layers,), int64
        Codes; the last is `phases.NONE`.
    kind : int
        Code of the update.
    numbers : array (steps, n)
        The update's numbers at each step.
    weight_decay : float
    row_losses : array (batch_size,)
    losses : array (steps,)
        Filled step by step.
    penalties : array (workers,), float64
        Each worker's share of Σ W².
    meeting : array (workers * LINE,), int64
        Where the workers meet.
    flags : array (3 * LINE,), int64
        At STOP whether to stop, at LAST whether this step is the last, at MADE how many steps were made.
    """

    x: Array
    t: Array
    order: Array
    batch_size: int
    scale: Any
    activations: Array
    kind: int
    numbers: Array
    weight_decay: Any
    row_losses: Array
    losses: Array
    penalties: Array
    meeting: Array
    flags: Array


@njit
def share(total: int, me: int, workers: int) -> tuple[int, int]:
    """Return the rows of worker `me`; the first takes all where the shares would be less than a tile."""
    if total < workers * ROWS:
        return (0, total) if me == 0 else (0, 0)
    return total * me // workers, total * (me + 1) // workers


@njit
def work(me: int, workers: int, net: Any, job: Any) -> None:
    """Be one of the workers of an epoch."""
    turn = 1
    for layer in range(1, len(job.activations)):
        start, stop = share(net.plan[layer, INPUTS], me, workers)
        phases.transpose(net, layer, start, stop)
    turn = meet(job.meeting, me, workers, turn)
    for step in range(len(job.losses)):
        batch = job.order[step * job.batch_size : (step + 1) * job.batch_size]
        through_the_rows(me, workers, net, job, batch)
        turn = meet(job.meeting, me, workers, turn)
        through_the_weights(me, workers, net, job, len(batch), step)
        if me == 0:
            # Written between two meetings and read after the second, so that all see the same.
            atomic_store(job.flags, LAST, atomic_load(job.flags, STOP))
        turn = meet(job.meeting, me, workers, turn)
        if me == 0:
            job.losses[step] += penalty_of(job)
            atomic_store(job.flags, MADE, step + 1)
        if atomic_load(job.flags, LAST) != 0:
            break


@njit
def through_the_rows(me: int, workers: int, net: Any, job: Any, batch: Array) -> None:
    """Do gather, forward, loss and backward for this worker's rows of the batch."""
    start, stop = share(len(batch), me, workers)
    if stop > start:
        scale = job.losses.dtype.type(1 / len(batch))
        phases.gather(net, job.x, batch, job.scale, start, stop)
        phases.forward(net, job.activations, start, stop)
        phases.loss(net, job.t, batch, scale, job.row_losses, start, stop)
        phases.backward(net, job.activations, start, stop)


@njit
def through_the_weights(me: int, workers: int, net: Any, job: Any, rows: int, step: int) -> None:
    """Do gradient and update for this worker's rows of every matrix; the first worker does the biases."""
    penalty = 0.0
    for layer in range(len(job.activations)):
        start, stop = share(net.plan[layer, INPUTS], me, workers)
        if stop > start:
            phases.weight_gradient(net, layer, rows, start, stop)
            penalty += update_matrix(net, job, layer, step, start, stop)
            if layer > 0:
                phases.transpose(net, layer, start, stop)
        if me == 0:
            phases.bias_gradient(net, layer, rows)
    if me == 0:
        job.losses[step] = mean_loss(job, rows)
        kind, numbers = job.kind, job.numbers[step]
        updates.update(kind, net.biases, net.bias_gradients, net.bias_state0, net.bias_state1, numbers)
    job.penalties[me] = penalty


@njit
def update_matrix(net: Any, job: Any, layer: int, step: int, start: int, stop: int) -> Any:
    """Update rows start to stop of a matrix; return their Σ W² before that, if weights decay."""
    plan, penalty = net.plan[layer], 0.0
    width, depth = plan[WIDTH], plan[DEPTH]
    for panel in range(plan[PANELS]):
        first = plan[WEIGHTS_AT] + (panel * depth + start) * width
        part = slice(first, first + (stop - start) * width)
        W, g = net.weights[part], net.weight_gradients[part]
        if job.weight_decay != 0:
            for i in range(W.size):
                penalty += W[i] * W[i]
                g[i] += job.weight_decay * W[i]
        state0, state1 = net.weight_state0[part], net.weight_state1[part]
        updates.update(job.kind, W, g, state0, state1, job.numbers[step])
    return penalty


@njit
def mean_loss(job: Any, rows: int) -> Any:
    """Return the mean of the batch's losses, summed in float64."""
    total = 0.0
    for i in range(rows):
        total += job.row_losses[i]
    return total / rows


@njit
def penalty_of(job: Any) -> Any:
    """Return ½ λ Σ W², once every worker has noted its share."""
    total = 0.0
    for penalty in job.penalties:
        total += penalty
    return 0.5 * job.weight_decay * total
