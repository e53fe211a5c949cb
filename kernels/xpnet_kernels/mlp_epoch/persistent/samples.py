"""How the samples of a batch come from the device's memory into registers: pixels, or float32.

A thread of a feature warp reads four features of each of its samples. Pixels of the next batch, four to a
register, are read while the blocks wait for each other; of float32 features, which would take four times as
many registers, the second-level cache is asked for then.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda, device_inline
from xpnet_kernels._ptx import ask_for, floats_of_bytes, load, load_four, store
from xpnet_kernels.mlp_epoch.persistent.first_layer import first_feature, sample_lane
from xpnet_kernels.mlp_epoch.persistent.plan import MANY_UNITS, SAMPLE_LANES, Plan
from xpnet_kernels.mlp_epoch.persistent.second_layer import my_sample


@device_inline
def end_of_batch(plan: Plan, order: Array, step: int) -> Any:
    """Return where the batch of a step ends in the order; it begins at step · batch."""
    return min((step + 1) * plan.batch, order.size)


@device_inline
def label_of(plan: Plan, t: Array, order: Array, step: int) -> Any:
    """Return the label of this thread's sample of the second layer; -1 beyond the batch."""
    place = step * plan.batch + my_sample()
    inside = place < end_of_batch(plan, order, step)
    return load(t, load(order, place)) if inside else np.int32(-1)


@device_inline
def fetch(plan: Plan, own: Any, data: Array, order: Array, step: int) -> None:
    """Read the pixels of a step's batch, or have its features brought nearer."""
    stop = end_of_batch(plan, order, step) if cuda.threadIdx.x < 32 * plan.feature_warps else 0
    for sample in range(plan.samples):
        place = step * plan.batch + sample * SAMPLE_LANES + sample_lane()
        if plan.pixels:
            own.fetched[sample] = np.uint32(0)
            if place < stop:
                row = np.int64(load(order, place)) * (plan.features // 4)
                own.fetched[sample] = load(data, row + (first_feature(plan) >> 2))
        elif place < stop:
            ask_for(data, np.int64(load(order, place)) * plan.features + first_feature(plan))


@device_inline
def take(plan: Plan, own: Any, shared: Any, data: Array, order: Array, step: int) -> None:
    """Make the batch of a step the current one: `own.x` holds pixels, 0..255, or features."""
    if plan.pixels:
        for sample in range(plan.samples):
            unpack_pixels(own.x, sample, own.fetched[sample])
            if plan.units >= MANY_UNITS:
                store(shared.parked, parking_place(plan, sample), own.fetched[sample])
    else:
        read_features(plan, own, data, order, step)


@device_inline
def take_again(plan: Plan, own: Any, shared: Any, data: Array, order: Array, step: int) -> None:
    """Fill `own.x` anew where the second layer, with many units, leaves no registers to keep it."""
    if plan.units >= MANY_UNITS:
        if plan.pixels:
            for sample in range(plan.samples):
                unpack_pixels(own.x, sample, load(shared.parked, parking_place(plan, sample)))
        else:
            read_features(plan, own, data, order, step)


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
def read_features(plan: Plan, own: Any, x: Array, order: Array, step: int) -> None:
    """Read the features of a step's batch; zeros beyond its end."""
    stop = end_of_batch(plan, order, step)
    for sample in range(plan.samples):
        place = step * plan.batch + sample * SAMPLE_LANES + sample_lane()
        for k in range(4):
            own.x[4 * sample + k] = np.float32(0)
        if place < stop:
            x0, x1, x2, x3 = load_four(x, np.int64(load(order, place)) * plan.features + first_feature(plan))
            own.x[4 * sample], own.x[4 * sample + 1] = x0, x1
            own.x[4 * sample + 2], own.x[4 * sample + 3] = x2, x3
