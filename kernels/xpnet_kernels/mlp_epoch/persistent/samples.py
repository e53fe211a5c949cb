"""How the samples of a batch come from the device's memory into registers: pixels, or float32.

A thread of a feature warp reads four features of each of its samples. Those of the next batch are asked for
as soon as the current one is taken: pixels, four to a register, and float32 where there are registers enough;
else the second-level cache is asked for them. Later, beside what the blocks say to each other, the reads
would hold that up. Where the samples lie was read one step before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda, device_inline
from xpnet_kernels._ptx import ask_for, floats_of_bytes, load, load_four, store
from xpnet_kernels.mlp_epoch.persistent.first_layer import first_feature, sample_lane
from xpnet_kernels.mlp_epoch.persistent.lanes import ALL
from xpnet_kernels.mlp_epoch.persistent.plan import MANY_UNITS, SAMPLE_LANES, Plan

SAMPLES_A_TURN = 32 // SAMPLE_LANES
"""Samples of each thread of a warp whose places the warp's threads note at once."""


@device_inline
def end_of_batch(plan: Plan, order: Array, step: int) -> Any:
    """Return where the batch of a step ends in the order; it begins at step · batch."""
    return min((step + 1) * plan.batch, order.size)


@device_inline
def place_in_batch(plan: Plan, order: Array, step: int, row: int) -> Any:
    """Return where a sample of a step's batch lies in the data; rows beyond the batch repeat its last sample.

    So no read is behind a condition, and all are on their way at once. Nothing comes of these rows: the
    second layer gives them no gradient.
    """
    return load(order, min(step * plan.batch + row, end_of_batch(plan, order, step) - 1))


@device_inline
def note_places(plan: Plan, places: Array, order: Array, step: int) -> None:
    """Note where the samples of a step lie: a warp's threads share them out among themselves."""
    for turn in range(-(-plan.samples // SAMPLES_A_TURN)):
        row = turn * cuda.warpsize + (cuda.threadIdx.x & (cuda.warpsize - 1))
        places[turn] = place_in_batch(plan, order, step, row)


@device_inline
def place_of(places: Array, sample: int) -> Any:
    """Return where a sample of this thread lies, of which another thread of the warp has taken note."""
    lane = sample % SAMPLES_A_TURN * SAMPLE_LANES + sample_lane()
    return cuda.shfl_sync(ALL, places[sample // SAMPLES_A_TURN], lane)


@device_inline
def fetch(plan: Plan, own: Any, data: Array) -> None:
    """Read this thread's features of the batch whose places are noted, or have them brought nearer."""
    for sample in range(plan.samples):
        place = np.int64(place_of(own.places, sample))
        if plan.pixels:
            own.fetched[sample] = load(data, place * (plan.features // 4) + (first_feature(plan) >> 2))
        elif plan.units < MANY_UNITS:
            read_features(plan, own.fetched, sample, place, data)
        else:
            ask_for(data, place * plan.features + first_feature(plan))


@device_inline
def begin(plan: Plan, own: Any, data: Array, order: Array, step: int) -> None:
    """Read a step's features without having noted their places before; note those of the next step."""
    note_places(plan, own.places, order, step)
    fetch(plan, own, data)
    note_places(plan, own.places, order, step + 1)


@device_inline
def take(plan: Plan, own: Any, shared: Any, data: Array, order: Array, step: int) -> None:
    """Make the batch of a step the current one: `own.x` holds pixels, 0..255, or features."""
    for sample in range(plan.samples):
        if plan.pixels:
            unpack_pixels(own.x, sample, own.fetched[sample])
            if plan.units >= MANY_UNITS:
                store(shared.parked, parking_place(plan, sample), own.fetched[sample])
        elif plan.units < MANY_UNITS:
            for k in range(4):
                own.x[4 * sample + k] = own.fetched[4 * sample + k]
        else:
            read_again(plan, own, sample, data, order, step)


@device_inline
def take_again(plan: Plan, own: Any, shared: Any, data: Array, order: Array, step: int) -> None:
    """Fill `own.x` anew where the second layer, with many units, leaves no registers to keep it."""
    if plan.units >= MANY_UNITS:
        for sample in range(plan.samples):
            if plan.pixels:
                unpack_pixels(own.x, sample, load(shared.parked, parking_place(plan, sample)))
            else:
                read_again(plan, own, sample, data, order, step)


@device_inline
def parking_place(plan: Plan, sample: int) -> Any:
    """Return where this thread keeps four pixels of a sample meanwhile."""
    return sample * 32 * plan.feature_warps + cuda.threadIdx.x


@device_inline
def unpack_pixels(x: Array, sample: int, four: Any) -> None:
    """Write four pixels of a sample as float32."""
    x0, x1, x2, x3 = floats_of_bytes(four)
    x[4 * sample], x[4 * sample + 1] = x0, x1
    x[4 * sample + 2], x[4 * sample + 3] = x2, x3


@device_inline
def read_again(plan: Plan, own: Any, sample: int, data: Array, order: Array, step: int) -> None:
    """Read the features of a sample of a step's batch, which the second-level cache was asked for."""
    place = place_in_batch(plan, order, step, sample * SAMPLE_LANES + sample_lane())
    read_features(plan, own.x, sample, np.int64(place), data)


@device_inline
def read_features(plan: Plan, features: Array, sample: int, place: Any, data: Array) -> None:
    """Read this thread's features of the sample at a place of the data."""
    x0, x1, x2, x3 = load_four(data, place * plan.features + first_feature(plan))
    features[4 * sample], features[4 * sample + 1] = x0, x1
    features[4 * sample + 2], features[4 * sample + 3] = x2, x3
