"""The first layer in the persistent kernel: each block keeps some rows and columns of W1 in registers.

A feature warp keeps the weights of 16 features: each thread those of four, for each hidden unit of its block.
Four threads with different features share samples; the eight fours of a warp take the samples in turns.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda, device_inline
from xpnet_kernels._ptx import load, store
from xpnet_kernels.mlp_epoch.persistent.lanes import plus_partner, shared_out
from xpnet_kernels.mlp_epoch.persistent.plan import FEATURES_OF_A_WARP, SAMPLE_LANES, Plan


@device_inline
def first_feature(plan: Plan) -> Any:
    """Return the first of this thread's four features."""
    warp, four = cuda.threadIdx.x >> 5, cuda.threadIdx.x & 3
    first_warp = (cuda.blockIdx.x % plan.slices) * plan.feature_warps
    return (first_warp + warp) * FEATURES_OF_A_WARP + 4 * four


@device_inline
def first_unit(plan: Plan) -> Any:
    """Return the first hidden unit of this block."""
    return (cuda.blockIdx.x // plan.slices) * plan.units


@device_inline
def keeps_b1(plan: Plan) -> Any:
    """Return whether it is this block that adds and updates b1 of its units: one of each group."""
    return cuda.blockIdx.x % plan.slices == plan.units % plan.slices


@device_inline
def sample_lane() -> Any:
    """Return the first of this thread's samples; the others follow at distances of `SAMPLE_LANES`."""
    return (cuda.threadIdx.x >> 2) & (SAMPLE_LANES - 1)


@device_inline
def take_weights(plan: Plan, weights: Array, W1: Array) -> None:
    """Copy this thread's four rows of its block's columns of W1, zeros beyond the last column."""
    for feature in range(4):
        row = (first_feature(plan) + feature) * plan.hidden
        for unit in range(plan.units):
            column = first_unit(plan) + unit
            inside = column < plan.hidden
            weights[feature * plan.units + unit] = load(W1, row + column) if inside else np.float32(0)


@device_inline
def give_weights(plan: Plan, weights: Array, W1: Array) -> None:
    """Write this thread's weights; those that take the same features have the same."""
    if sample_lane() == 0:
        for feature in range(4):
            row = (first_feature(plan) + feature) * plan.hidden
            for unit in range(plan.units):
                column = first_unit(plan) + unit
                if column < plan.hidden:
                    store(W1, row + column, weights[feature * plan.units + unit])


@device_inline
def add_products(plan: Plan, x: Array, weights: Array, scale: Any, sums: Array) -> None:
    """Write each warp's part of x W1: array (feature warps, units, samples) in shared memory."""
    warp, four = cuda.threadIdx.x >> 5, cuda.threadIdx.x & 3
    upper, odd = (four & 2) != 0, (four & 1) != 0
    for unit in range(plan.units):
        w0, w1 = weights[unit] * scale, weights[plan.units + unit] * scale
        w2, w3 = weights[2 * plan.units + unit] * scale, weights[3 * plan.units + unit] * scale
        row = (warp * plan.units + unit) * (plan.samples * SAMPLE_LANES) + sample_lane()
        for sample in range(0, plan.samples - 3, 4):
            low = shared_out(dot(x, sample, w0, w1, w2, w3), dot(x, sample + 2, w0, w1, w2, w3), upper, 2)
            high = shared_out(
                dot(x, sample + 1, w0, w1, w2, w3), dot(x, sample + 3, w0, w1, w2, w3), upper, 2
            )
            store(sums, row + (sample + four) * SAMPLE_LANES, shared_out(low, high, odd, 1))
        for sample in range(plan.samples // 4 * 4, plan.samples):
            total = plus_partner(plus_partner(dot(x, sample, w0, w1, w2, w3), 2), 1)
            if four == 0:
                store(sums, row + sample * SAMPLE_LANES, total)


@device_inline
def dot(x: Array, sample: int, w0: Any, w1: Any, w2: Any, w3: Any) -> Any:
    """Return the product of a sample's four features and their weights for one unit."""
    first = 4 * sample
    return x[first] * w0 + x[first + 1] * w1 + x[first + 2] * w2 + x[first + 3] * w3


@device_inline
def descend(plan: Plan, x: Array, weights: Array, rate: Any, slopes: Array) -> None:
    """Take rate · xᵀ dz1 from this thread's weights, with dz1 (rows, units) in shared memory."""
    for unit in range(plan.units):
        g0 = g1 = g2 = g3 = np.float32(0)
        for sample in range(plan.samples):
            slope = load(slopes, (sample * SAMPLE_LANES + sample_lane()) * plan.units + unit)
            g0 += x[4 * sample] * slope
            g1 += x[4 * sample + 1] * slope
            g2 += x[4 * sample + 2] * slope
            g3 += x[4 * sample + 3] * slope
        weights[unit] -= rate * over_sample_lanes(g0)
        weights[plan.units + unit] -= rate * over_sample_lanes(g1)
        weights[2 * plan.units + unit] -= rate * over_sample_lanes(g2)
        weights[3 * plan.units + unit] -= rate * over_sample_lanes(g3)


@device_inline
def over_sample_lanes(value: Any) -> Any:
    """Return the sum over the threads of a warp that have the same features."""
    return plus_partner(plus_partner(plus_partner(value, 4), 8), 16)
