"""z1 = x W1 + b1 on its way through the device's memory, from the slices of the features to all blocks.

Two ways: the slices add to one array, in the order in which they come, or each writes its own part and the
readers add the parts in one order, which gives the same bits each time and reads as many times as much. An
array of z1 is (hidden rows, rows).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda, device_inline
from xpnet_kernels._ptx import add_relaxed, load, load_pair, store
from xpnet_kernels.mlp_epoch.persistent.first_layer import first_unit, keeps_b1
from xpnet_kernels.mlp_epoch.persistent.plan import SAMPLE_LANES, Plan
from xpnet_kernels.mlp_epoch.persistent.second_layer import my_sample

TURNS = 3
"""Arrays that the steps use in turns where slices add: one is read, one filled, one cleared."""


@device_inline
def start_of(plan: Plan, step: int) -> Any:
    """Return where a step's z1 begins, of which slices that write apart have an array each."""
    size = plan.hidden_rows * plan.rows
    return (step % 2) * plan.slices * size if plan.deterministic else (step % TURNS) * size


@device_inline
def sum_of_warps(plan: Plan, sums: Array, b1: Array, place: int) -> Any:
    """Return what a block adds to one z1: its features' products and, from one slice only, the bias."""
    columns = plan.samples * SAMPLE_LANES
    size = plan.units * columns
    total = load(b1, place // columns) if keeps_b1(plan) else np.float32(0)
    for warp in range(plan.feature_warps):
        total += load(sums, warp * size + place)
    return total


@device_inline
def give(plan: Plan, z: Array, step: int, sums: Array, b1: Array) -> None:
    """Add this block's part of z1 to the step's array, or write it into its slice's array."""
    columns = plan.samples * SAMPLE_LANES
    for turn in range(-(-plan.units * columns // plan.threads)):
        place = turn * plan.threads + cuda.threadIdx.x
        unit, sample = place // columns, place % columns
        if unit < plan.units and first_unit(plan) + unit < plan.hidden:
            total = sum_of_warps(plan, sums, b1, place)
            at = start_of(plan, step) + (first_unit(plan) + unit) * plan.rows + sample
            if plan.deterministic:
                store(z, at + (cuda.blockIdx.x % plan.slices) * plan.hidden_rows * plan.rows, total)
            else:
                add_relaxed(z, at, total)


@device_inline
def collect(plan: Plan, z: Array, step: int, hidden: Array, own: Array) -> None:
    """Read z1 of this thread's two samples and quarter of the units, and of its own sample and units.

    Where each slice has an array, only one is on its way at a time (`syncwarp` holds the reads of the next
    back): with more, there were not registers enough for a hundred hidden units.
    """
    start = start_of(plan, step)
    read_sums(plan, z, start, hidden, own)
    if plan.deterministic:
        for part in range(1, plan.slices):
            add_sums(plan, z, start + part * plan.hidden_rows * plan.rows, hidden, own)
            cuda.syncwarp()


@device_inline
def read_sums(plan: Plan, z: Array, start: int, hidden: Array, own: Array) -> None:
    """Copy what a thread needs of the array that begins at `start`."""
    quarter, pair = cuda.threadIdx.x & 3, 2 * (cuda.threadIdx.x >> 2)
    for n in range(plan.hidden_rows // 4):
        row = start + (quarter + 4 * n) * plan.rows
        hidden[2 * n], hidden[2 * n + 1] = load_pair(z, row + pair)
    for unit in range(plan.units):
        row = start + min(first_unit(plan) + unit, plan.hidden_rows - 1) * plan.rows
        own[unit] = load(z, row + my_sample())


@device_inline
def add_sums(plan: Plan, z: Array, start: int, hidden: Array, own: Array) -> None:
    """Add it instead."""
    quarter, pair = cuda.threadIdx.x & 3, 2 * (cuda.threadIdx.x >> 2)
    for n in range(plan.hidden_rows // 4):
        first, second = load_pair(z, start + (quarter + 4 * n) * plan.rows + pair)
        hidden[2 * n] += first
        hidden[2 * n + 1] += second
    for unit in range(plan.units):
        row = start + min(first_unit(plan) + unit, plan.hidden_rows - 1) * plan.rows
        own[unit] += load(z, row + my_sample())


@device_inline
def clear(plan: Plan, z: Array, step: int) -> None:
    """Write this block's part of the zeros to which slices will add in a step."""
    if not plan.deterministic:
        size = plan.hidden_rows * plan.rows
        part = -(-size // plan.blocks)
        for turn in range(-(-part // plan.threads)):
            within = turn * plan.threads + cuda.threadIdx.x
            place = cuda.blockIdx.x * part + within
            if within < part and place < size:
                store(z, start_of(plan, step) + place, np.float32(0))
