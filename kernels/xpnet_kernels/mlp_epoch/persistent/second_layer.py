"""The second layer and the loss in the persistent kernel: each block computes them for the whole batch.

That saves a second meeting of all blocks. Four threads share a pair of samples: each adds up a quarter of the
hidden units, then each takes one of the two samples and half of the classes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda, device_inline
from xpnet_kernels._ptx import load, load_four, load_pair, store
from xpnet_kernels.mlp_epoch.persistent.first_layer import first_unit
from xpnet_kernels.mlp_epoch.persistent.lanes import ALL, plus_partner, shared_out
from xpnet_kernels.mlp_epoch.persistent.plan import MANY_UNITS, Plan


@device_inline
def my_sample() -> Any:
    """Return the sample whose loss this thread helps to compute."""
    return 2 * (cuda.threadIdx.x >> 2) + ((cuda.threadIdx.x >> 1) & 1)


@device_inline
def my_classes(plan: Plan) -> Any:
    """Return the first of this thread's classes, of which it has half."""
    return (cuda.threadIdx.x & 1) * (plan.class_columns // 2)


@device_inline
def take_W2(plan: Plan, shared: Array, W2: Array, step: int) -> None:
    """Copy a step's W2 and b2 into shared memory; steps use two copies in turns."""
    size = (plan.hidden_rows + 1) * plan.W2_columns
    for turn in range(-(-size // plan.threads)):
        place = turn * plan.threads + cuda.threadIdx.x
        if place < size:
            store(shared, place, load(W2, (step % 2) * size + place))


@device_inline
def back_to_z1(plan: Plan, own: Any, shared: Any, label: Any, share: Any, size: int) -> None:
    """Go on from z1 to the loss, and back; samples beyond the size of the batch count nothing."""
    add_logits(plan, own.hidden, shared.W2, own.logits)
    loss = softmax_loss(plan, own.logits, shared.W2, label, share)
    if my_sample() >= size:
        loss = np.float32(0)
        for c in range(plan.class_columns // 2):
            own.logits[c] = np.float32(0)
    if my_classes(plan) == 0:
        store(shared.row_losses, my_sample(), loss)
    note_gradients(plan, own.logits, own.units, shared.W2, shared.dz2, shared.dz1, shared.h)


@device_inline
def relu(z: Any) -> Any:
    """Return z where it is positive and 0 elsewhere; NaN stays NaN."""
    zero = np.float32(0)
    return zero if z <= zero else z


@device_inline
def add_logits(plan: Plan, hidden: Array, W2: Array, logits: Array) -> None:
    """Write the loss's input for this thread's sample and classes, without the bias.

    `hidden` holds z1 of a pair of samples for a quarter of the units, W2 lies in shared memory, `logits`
    takes both samples and all classes; the first half of the classes are the result.
    """
    columns = plan.class_columns
    fours = columns // 4 * 4 if plan.units < MANY_UNITS else 0  # with many, pairs: registers are short
    for n in range(2 * columns):
        logits[n] = np.float32(0)
    quarter = cuda.threadIdx.x & 3
    for n in range(plan.hidden_rows // 4):
        first, second = relu(hidden[2 * n]), relu(hidden[2 * n + 1])
        row = (quarter + 4 * n) * plan.W2_columns
        for c in range(0, fours, 4):
            w0, w1, w2, w3 = load_four(W2, row + c)
            add_pair(logits, columns, c, first, second, w0, w1)
            add_pair(logits, columns, c + 2, first, second, w2, w3)
        for c in range(fours, columns, 2):
            w0, w1 = load_pair(W2, row + c)
            add_pair(logits, columns, c, first, second, w0, w1)
    second_sample, second_half = (quarter & 2) != 0, (quarter & 1) != 0
    for c in range(columns):
        logits[c] = shared_out(logits[c], logits[columns + c], second_sample, 2)
    for c in range(columns // 2):
        logits[c] = shared_out(logits[c], logits[columns // 2 + c], second_half, 1)


@device_inline
def add_pair(logits: Array, columns: int, c: int, first: Any, second: Any, w0: Any, w1: Any) -> None:
    """Add the products of a hidden unit of two samples and its weights for class c and the next."""
    logits[c] += first * w0
    logits[c + 1] += first * w1
    logits[columns + c] += second * w0
    logits[columns + c + 1] += second * w1


@device_inline
def softmax_loss(plan: Plan, logits: Array, W2: Array, label: Any, share: Any) -> Any:
    """Add the bias; replace logits by `share` times the loss's gradient; return this sample's loss."""
    half, first = plan.class_columns // 2, my_classes(plan)
    bias = plan.hidden_rows * plan.W2_columns + first
    largest = np.float32(-np.inf)
    for c in range(half):
        logits[c] += load(W2, bias + c)
        largest = max(largest, logits[c])
    largest = max(largest, cuda.shfl_xor_sync(ALL, largest, 1))
    total = right = np.float32(0)
    for c in range(half):
        above = logits[c] - largest
        right = above if first + c == label else right
        logits[c] = math.exp(above)
        total += logits[c]
    total, right = plus_partner(total, 1), plus_partner(right, 1)
    share_of_total = share / total
    for c in range(half):
        probability = logits[c] * share_of_total
        logits[c] = probability - share if first + c == label else probability
    return math.log(total) - right


@device_inline
def note_gradients(
    plan: Plan, deltas: Array, own: Array, W2: Array, dz2: Array, dz1: Array, h: Array
) -> None:
    """Write the gradient at the logits, and of this block's units the gradient at z1, and relu(z1).

    `deltas` holds the gradient at this thread's logits, `own` z1 of its sample and the block's units. All
    three results have a row for each sample.
    """
    sample, half, first = my_sample(), plan.class_columns // 2, my_classes(plan)
    for c in range(half):
        store(dz2, sample * plan.class_columns + first + c, deltas[c])
    for unit in range(plan.units):
        row = min(first_unit(plan) + unit, plan.hidden_rows - 1) * plan.W2_columns + first
        slope = np.float32(0)
        for c in range(half):
            slope += deltas[c] * load(W2, row + c)
        slope = plus_partner(slope, 1)
        if first == 0:
            positive = own[unit] > np.float32(0)
            store(dz1, sample * plan.units + unit, slope if positive else np.float32(0))
            store(h, sample * plan.units + unit, relu(own[unit]))
