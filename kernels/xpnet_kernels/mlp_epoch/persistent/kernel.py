"""The kernel that trains for many steps: its memory, and the order of its phases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda, device_inline, kernel_for
from xpnet_kernels._ptx import load, mark_cooperative, store
from xpnet_kernels.mlp_epoch.persistent import first_layer, hidden_sums, samples, second_layer, small_updates
from xpnet_kernels.mlp_epoch.persistent.meeting import all_have_arrived, arrive
from xpnet_kernels.mlp_epoch.persistent.plan import Plan


class Own(NamedTuple):
    """What a thread keeps in registers.

    Attributes
    ----------
    places : array, int32
        Where samples of the batch after the next lie, for its warp.
    fetched : array (samples,), uint32, or (samples, 4), float32
        Its features of the next batch: pixels, or float32 where registers suffice.
    x : array (samples, 4), float32
        Its features of this batch.
    W1 : array (4, units), float32
        Its weights.
    hidden : array (hidden rows / 4, 2), float32
        z1 of two samples, for a quarter of the units.
    units : array (units,), float32
        z1 of one sample, for the units of its block.
    logits : array (2, class columns), float32
        z2 of two samples, then the gradient there of one and half of the classes.
    """

    places: Array
    fetched: Array
    x: Array
    W1: Array
    hidden: Array
    units: Array
    logits: Array


class Shared(NamedTuple):
    """What the threads of a block share, float32 but for the pixels.

    Attributes
    ----------
    sums : array (feature warps, units, samples of a warp)
        Each warp's part of z1.
    W2 : array (hidden rows + 1, W2 columns)
        W2 and, in the last row, b2.
    dz2 : array (rows, class columns)
    dz1, h : array (rows, units)
        Of the units of this block.
    b1 : array (units,)
    row_losses : array (rows,)
    parked : array (samples of a thread, feature threads), uint32
        Pixels of this batch, where registers are short.
    """

    sums: Array
    W2: Array
    dz2: Array
    dz1: Array
    h: Array
    b1: Array
    row_losses: Array
    parked: Array


@kernel_for
def persistent_epoch(plan: Plan) -> Callable[..., None]:
    """Return the kernel for a plan: the memory of a thread and of a block, and `train_steps` in it."""
    places_size, fetched_size, x_size, W1_size, hidden_size, logit_size = plan.thread_sizes
    sums_size, W2_size, dz2_size, dz1_size, parked_size = plan.block_sizes
    units, rows, fetched_type = plan.units, plan.rows, np.uint32 if plan.pixels else np.float32

    def persistent_kernel(
        data: Array, t: Array, order: Array, rates: Array, W1: Array, b1: Array, W2: Array, z: Array,
        meeting: Array, losses: Array, first: int, last: int, patience: int,
    ) -> None:  # fmt: skip
        mark_cooperative()
        own = Own(
            cuda.local.array(places_size, np.int32),
            cuda.local.array(fetched_size, fetched_type),
            cuda.local.array(x_size, np.float32),
            cuda.local.array(W1_size, np.float32),
            cuda.local.array(hidden_size, np.float32),
            cuda.local.array(units, np.float32),
            cuda.local.array(logit_size, np.float32),
        )
        shared = Shared(
            cuda.shared.array(sums_size, np.float32),
            cuda.shared.array(W2_size, np.float32, 16),  # read in fours; the default is every fourth byte
            cuda.shared.array(dz2_size, np.float32),
            cuda.shared.array(dz1_size, np.float32),
            cuda.shared.array(dz1_size, np.float32),
            cuda.shared.array(units, np.float32),
            cuda.shared.array(rows, np.float32),
            cuda.shared.array(parked_size, np.uint32),
        )
        begin(plan, own, shared, W1, b1)
        if train_steps(
            plan, own, shared, data, t, order, rates, W2, z, meeting, losses, first, last, patience
        ):
            end(plan, own, shared, W1, b1)

    return persistent_kernel


@device_inline
def train_steps(
    plan: Plan, own: Any, shared: Any, data: Array, t: Array, order: Array, rates: Array, W2: Array,
    z: Array, meeting: Array, losses: Array, first: int, last: int, patience: int,
) -> Any:  # fmt: skip
    """Make the steps first to last of an epoch; return whether all blocks met at each.

    Parameters
    ----------
    own, shared : Own, Shared
        `own.W1` and `shared.b1` go in and come out.
    data, t, order, rates, W2, z, meeting, losses : array
        See `Buffers`.
    patience : int
        How often a block looks for the others before it gives up.
    """
    computes_W1 = cuda.threadIdx.x < 32 * plan.feature_warps
    computes_loss = cuda.threadIdx.x < 2 * plan.rows
    speaker = plan.threads - 32  # of a warp without features: it comes first
    scale = np.float32(1 / 255) if plan.pixels else np.float32(1)
    row, next_label, next_place = second_layer.my_sample(), np.int32(0), np.int32(0)
    if first < last:
        if computes_W1:
            samples.begin(plan, own, data, order, first)
        next_label = load(t, samples.place_in_batch(plan, order, first, row))
        next_place = samples.place_in_batch(plan, order, first + 1, row)
    for step in range(first, last):
        if computes_W1:
            samples.take(plan, own, shared, data, order, step)
            samples.fetch(plan, own, data)
            samples.note_places(plan, own.places, order, step + 2)
            first_layer.add_products(plan, own.x, own.W1, scale, shared.sums)
        label, next_label = next_label, load(t, next_place)
        next_place = samples.place_in_batch(plan, order, step + 2, row)
        cuda.syncthreads()
        hidden_sums.give(plan, z, step, shared.sums, shared.b1)
        arrive(meeting, speaker)
        if not all_have_arrived(meeting, speaker, step, (step + 1 - first) * plan.blocks, patience):
            return False
        if computes_loss:
            hidden_sums.collect(plan, z, step, own.hidden, own.units)
        second_layer.take_W2(plan, shared.W2, W2, step)
        hidden_sums.clear(plan, z, step + 2)
        cuda.syncthreads()
        size = samples.end_of_batch(plan, order, step) - step * plan.batch
        share, rate = np.float32(1) / np.float32(size), load(rates, step)
        if computes_loss:
            second_layer.back_to_z1(plan, own, shared, label, share, size)
        cuda.syncthreads()
        if computes_W1:
            samples.take_again(plan, own, shared, data, order, step)
            first_layer.descend(plan, own.x, own.W1, rate * scale, shared.dz1)
        else:
            small_updates.descend(plan, shared, rate, W2, step)
            small_updates.note_loss(plan, shared.row_losses, share, losses, step)
    return True


@device_inline
def begin(plan: Plan, own: Any, shared: Any, W1: Array, b1: Array) -> None:
    """Take the block's part of W1 and b1."""
    if cuda.threadIdx.x < 32 * plan.feature_warps:
        first_layer.take_weights(plan, own.W1, W1)
    unit = first_layer.first_unit(plan) + cuda.threadIdx.x
    if cuda.threadIdx.x < plan.units:
        store(shared.b1, cuda.threadIdx.x, load(b1, unit) if unit < plan.hidden else np.float32(0))


@device_inline
def end(plan: Plan, own: Any, shared: Any, W1: Array, b1: Array) -> None:
    """Write the block's part of W1 and b1; W2 and b2 are in the device's memory anyway."""
    cuda.syncthreads()
    if cuda.threadIdx.x < 32 * plan.feature_warps:
        first_layer.give_weights(plan, own.W1, W1)
    unit = first_layer.first_unit(plan) + cuda.threadIdx.x
    if first_layer.keeps_b1(plan) and cuda.threadIdx.x < plan.units and unit < plan.hidden:
        store(b1, unit, load(shared.b1, cuda.threadIdx.x))
