"""b1, W2, b2 and the loss in the persistent kernel: what the warps do that keep no weights of W1.

The rows of W2 that belong to a group's units, then its part of b1 and, in the first group, b2 and the loss
are dealt out to the blocks of the group. Two threads share a sum over the batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda, device_inline
from xpnet_kernels._ptx import load, store
from xpnet_kernels.mlp_epoch.persistent.first_layer import first_unit, keeps_b1
from xpnet_kernels.mlp_epoch.persistent.lanes import plus_partner
from xpnet_kernels.mlp_epoch.persistent.plan import Plan


@device_inline
def descend(plan: Plan, shared: Any, rate: Any, W2: Array, step: int) -> None:
    """Take a step with b1, W2 and b2; the new W2 and b2 go where the next step reads them."""
    my_slice = cuda.blockIdx.x % plan.slices
    thread = cuda.threadIdx.x - 32 * plan.feature_warps
    column, part = thread >> 1, thread & 1
    start = ((step + 1) % 2) * (plan.hidden_rows + 1) * plan.W2_columns
    for unit in range(plan.units):
        row = first_unit(plan) + unit
        if unit % plan.slices == my_slice and row < plan.hidden:
            total = product_over_samples(plan, shared.h, unit, shared.dz2, column, part)
            if part == 0:
                descend_element(plan, row, column, rate * total, shared.W2, W2, start)
    if keeps_b1(plan):
        total = sum_over_samples(plan, shared.dz1, plan.units, column, part)
        if column < plan.units and part == 0:
            store(shared.b1, column, load(shared.b1, column) - rate * total)
    if cuda.blockIdx.x == (plan.units + 1) % plan.slices:
        total = sum_over_samples(plan, shared.dz2, plan.class_columns, column, part)
        if part == 0:
            descend_element(plan, plan.hidden_rows, column, rate * total, shared.W2, W2, start)


@device_inline
def descend_element(
    plan: Plan, row: int, column: int, change: Any, W2: Array, new: Array, start: int
) -> None:
    """Write one element of a row of the new W2 or, below it, b2."""
    place = row * plan.W2_columns + column
    if column < plan.classes:
        store(new, start + place, load(W2, place) - change)


@device_inline
def product_over_samples(plan: Plan, h: Array, unit: int, dz2: Array, column: int, part: int) -> Any:
    """Return one element of hᵀ dz2, to both threads that share it."""
    total = np.float32(0)
    if column < plan.classes:
        for n in range(plan.rows // 2):
            sample = 2 * n + part
            total += load(h, sample * plan.units + unit) * load(dz2, sample * plan.class_columns + column)
    return plus_partner(total, 1)


@device_inline
def sum_over_samples(plan: Plan, values: Array, columns: int, column: int, part: int) -> Any:
    """Return the sum of a column, to both threads that share it."""
    total = np.float32(0)
    if column < columns:
        for n in range(plan.rows // 2):
            total += load(values, (2 * n + part) * columns + column)
    return plus_partner(total, 1)


@device_inline
def note_loss(plan: Plan, row_losses: Array, share: Any, losses: Array, step: int) -> None:
    """Write the mean of the samples' losses, added up in one order, by one warp of one block."""
    lane = cuda.threadIdx.x - 32 * plan.feature_warps
    if cuda.blockIdx.x == (plan.units + 2) % plan.slices and lane < 32:
        total = np.float32(0)
        for turn in range(-(-plan.rows // 32)):
            sample = 32 * turn + lane
            total += load(row_losses, sample) if sample < plan.rows else np.float32(0)
        for bit in range(5):
            total = plus_partner(total, 1 << bit)
        if lane == 0:
            store(losses, step, total * share)
