"""The end of a step: loss, gradients and updates of all layers that are not wide, in one kernel.

A matrix of parameters is W with b as its last row, (D + 1, H): b is what a further input of 1 would be
multiplied by. A block computes the gradients of FEATURES x LANES parameters and updates these.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda
from xpnet_kernels._sums import LONGEST
from xpnet_kernels.adagrad import adagrad_value_on_device
from xpnet_kernels.adam import adam_value_on_device
from xpnet_kernels.mlp_epoch.graph.tiles import LANES, SLICES, THREADS, WIDEST_READ, rows_in, sum_over_block
from xpnet_kernels.mlp_epoch.updates import ADAGRAD, MOMENTUM, NESTEROV, RMSPROP, SGD
from xpnet_kernels.momentum import momentum_value_on_device
from xpnet_kernels.nesterov import nesterov_value_on_device
from xpnet_kernels.rmsprop import rmsprop_value_on_device
from xpnet_kernels.sgd import sgd_value_on_device

FEATURES = 8
"""Rows of a tile of parameters; at most SLICES, since each slice ends with one row."""

SAMPLES_AT_ONCE = 16
"""Samples that a slice takes in a turn: it asks for all of them before it uses the first."""

SAMPLES = SLICES * SAMPLES_AT_ONCE
"""Of a turn of all slices."""

TURNS_APART = 8
"""Turns of a slice that are added up apart from those before: a long sum loses digits, see `_sums.py`."""

INPUTS_AT_ONCE = -(-SAMPLES * FEATURES // THREADS)
"""Inputs that a thread brings to shared memory in a turn."""

# Columns of the table of tiles.
INPUTS, OUTPUTS, WEIGHTS_AT, VALUES_AT, DELTAS_AT, ROW, COLUMN, TILE_COLUMNS = range(8)


class Parameters(NamedTuple):
    """Everything that is updated, one matrix after the other, and what it is updated from.

    Attributes
    ----------
    weights, state0, state1 : array (n,)
        The matrices (D + 1, H) of all layers, and what the update keeps for them.
    gradients : array (n,)
        Those of wide layers, which the vendor's product has left there.
    values, deltas : array
        Each layer's input, (batch, D), but the first's; the gradients of what each puts out, (batch, H).
    tiles : array (tiles, TILE_COLUMNS), int64
        For each block of `update_kernel`: D and H of its layer, where its matrix, its input (-1 for the first
        layer, whose input is the data) and the gradients of its output begin, and the tile's first row and
        column.
    """

    weights: Array
    state0: Array
    state1: Array
    gradients: Array
    values: Array
    deltas: Array
    tiles: Array


class Rule(NamedTuple):
    """How parameters are updated.

    Attributes
    ----------
    kind : int
        A code of `mlp_epoch.updates`.
    numbers : array (steps, MOST_NUMBERS)
        The update's numbers at each step.
    weight_decay : float of the net's dtype
        λ of the penalty ½ λ Σ W².
    """

    kind: int
    numbers: Array
    weight_decay: Any


class Losses(NamedTuple):
    """What the losses are made of.

    Attributes
    ----------
    steps : array (steps,)
        Receives the loss of each step.
    samples : array (batch,)
        Each sample's share of it.
    penalties : array
        Each block's share of the penalty.
    """

    steps: Array
    samples: Array
    penalties: Array


@cuda.jit
def update_kernel(batch: Any, source: Any, net: Any, rule: Any, losses: Any) -> None:
    """Update one tile of parameters a block; the block after the last tile adds up the loss."""
    values = cuda.shared.array((SLICES, LANES), net.weights.dtype)
    rows = rows_in(batch, 1)
    if rows == 0:  # beyond the epoch's end
        return
    if cuda.blockIdx.x < net.tiles.shape[0]:
        square = update_tile(batch, source, net, rule, rows)
        if rule.weight_decay != 0:
            penalty = sum_over_block(square, values)
            if cuda.threadIdx.x + cuda.threadIdx.y == 0:
                losses.penalties[cuda.blockIdx.x] = penalty
    else:
        add_losses(batch, losses, rows, values)


@cuda.jit(device=True)
def add_losses(batch: Any, losses: Any, rows: int, values: Array) -> None:
    """Write the loss of the step, and let the next one begin; every thread of the block must call it."""
    step = batch.progress[1]
    share, apart = losses.steps.dtype.type(0), LONGEST * THREADS
    for start in range(cuda.threadIdx.y * LANES + cuda.threadIdx.x, rows, apart):
        part = losses.steps.dtype.type(0)
        for i in range(start, min(start + apart, rows), THREADS):
            part += losses.samples[i]
        share += part
    total = sum_over_block(share, values)
    if cuda.threadIdx.x + cuda.threadIdx.y == 0:
        losses.steps[step] = total
        batch.progress[0] = step + 1


@cuda.jit(device=True)
def update_tile(batch: Any, source: Any, net: Any, rule: Any, rows: int) -> Any:
    """Update the parameters of this block's tile; return the square of this thread's if that decays, else 0.

    Every thread of the block must call it.
    """
    shares = cuda.shared.array((SLICES, FEATURES, LANES), net.weights.dtype)
    lane, part, tile = cuda.threadIdx.x, cuda.threadIdx.y, net.tiles[cuda.blockIdx.x]
    j, column, square = tile[ROW] + part, tile[COLUMN] + lane, net.weights.dtype.type(0)
    mine = part < FEATURES and j <= tile[INPUTS] and column < tile[OUTPUTS]
    at = tile[WEIGHTS_AT] + j * tile[OUTPUTS] + column if mine else 0
    w = net.weights[at]  # asked for before the sums are made
    sum_over_samples(batch, source, net, tile, rows, shares)
    cuda.syncthreads()
    if mine:
        gradient = net.weights.dtype.type(0)
        for s in range(SLICES):
            gradient += shares[s, part, lane]
        if j < tile[INPUTS]:  # biases do not decay
            square = w * w
            gradient += rule.weight_decay * w
        update_at(rule.kind, net, at, w, gradient, rule.numbers[batch.progress[1]])
    return square


@cuda.jit(device=True)
def sum_over_samples(batch: Any, source: Any, net: Any, tile: Array, rows: int, shares: Array) -> None:
    """Write this slice's share of Σ x[i, j] delta[i, column] for the tile's rows j, over the samples i."""
    xs = cuda.shared.array((SAMPLES, FEATURES), net.weights.dtype, WIDEST_READ)
    outputs = tile[OUTPUTS]
    first = tile[DELTAS_AT] + min(tile[COLUMN] + cuda.threadIdx.x, outputs - 1)
    sums = cuda.local.array(FEATURES, net.weights.dtype)
    deltas = cuda.local.array(SAMPLES_AT_ONCE, net.weights.dtype)
    for r in range(FEATURES):
        sums[r] = shares[cuda.threadIdx.y, r, cuda.threadIdx.x] = net.weights.dtype.type(0)
    for start in range(0, rows, SAMPLES):
        if start > 0 and start % (TURNS_APART * SAMPLES) == 0:
            add_to_shares(sums, shares)
        for n in range(SAMPLES_AT_ONCE):
            i = min(np.int32(start + n * SLICES + cuda.threadIdx.y), np.int32(rows - 1))  # beyond it, xs is 0
            deltas[n] = net.deltas[np.uint32(first + i * outputs)]
        stage_inputs(batch, source, net, tile, start, rows, xs)
        cuda.syncthreads()
        for n in range(SAMPLES_AT_ONCE):
            for r in range(FEATURES):
                sums[r] += xs[n * SLICES + cuda.threadIdx.y, r] * deltas[n]
        cuda.syncthreads()
    add_to_shares(sums, shares)


@cuda.jit(device=True)
def add_to_shares(sums: Array, shares: Array) -> None:
    """Add this thread's sums to its shares, and clear them."""
    for r in range(FEATURES):
        shares[cuda.threadIdx.y, r, cuda.threadIdx.x] += sums[r]
        sums[r] = shares.dtype.type(0)


@cuda.jit(device=True)
def stage_inputs(batch: Any, source: Any, net: Any, tile: Array, start: int, rows: int, xs: Array) -> None:
    """Bring the tile's features of the samples from `start` on to shared memory; zeros beyond the batch."""
    inputs, values_at, feature = tile[INPUTS], tile[VALUES_AT], tile[ROW]
    begin = batch.progress[1] * batch.size
    thread, zero, one = cuda.threadIdx.y * LANES + cuda.threadIdx.x, xs.dtype.type(0), xs.dtype.type(1)
    own = cuda.local.array(INPUTS_AT_ONCE, xs.dtype)
    for n in range(INPUTS_AT_ONCE):
        place = np.uint32(n * THREADS + thread)
        i = min(start + place // np.uint32(FEATURES), rows - 1)
        k = min(feature + place % np.uint32(FEATURES), inputs - 1)
        if values_at < 0:
            own[n] = xs.dtype.type(source.x[batch.order[begin + i], k]) * source.scale
        else:
            own[n] = net.values[values_at + i * inputs + k]
    for n in range(INPUTS_AT_ONCE):
        place = np.uint32(n * THREADS + thread)
        row, column = place // np.uint32(FEATURES), place % np.uint32(FEATURES)
        if row < SAMPLES:
            x = own[n] if feature + column < inputs else one  # the bias's input
            xs[row, column] = x if start + row < rows else zero


@cuda.jit(device=True)
def update_at(kind: int, net: Any, at: Any, w: Any, g: Any, n: Array) -> None:
    """Update one parameter, by the formula that also updates it outside an epoch."""
    W, state0, state1 = net.weights, net.state0, net.state1
    if kind == SGD:
        (W[at],) = sgd_value_on_device(w, g, (n[0],))
    elif kind == MOMENTUM:
        W[at], state0[at] = momentum_value_on_device(w, g, state0[at], (n[0], n[1]))
    elif kind == NESTEROV:
        W[at], state0[at] = nesterov_value_on_device(w, g, state0[at], (n[0], n[1]))
    elif kind == ADAGRAD:
        W[at], state0[at] = adagrad_value_on_device(w, g, state0[at], (n[0], n[1]))
    elif kind == RMSPROP:
        W[at], state0[at] = rmsprop_value_on_device(w, g, state0[at], (n[0], n[1], n[2], n[3]))
    else:
        numbers = n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]
        W[at], state0[at], state1[at] = adam_value_on_device(w, g, state0[at], state1[at], numbers)


@cuda.jit
def penalty_kernel(batch: Any, rule: Any, losses: Any) -> None:
    """Add ½ λ Σ W² to the loss of the step whose parameters were just updated; one block."""
    values = cuda.shared.array((SLICES, LANES), losses.steps.dtype)
    share = losses.steps.dtype.type(0)
    for i in range(cuda.threadIdx.y * LANES + cuda.threadIdx.x, losses.penalties.size, THREADS):
        share += losses.penalties[i]
    total = sum_over_block(share, values)
    if rows_in(batch, 1) > 0 and cuda.threadIdx.x + cuda.threadIdx.y == 0:
        losses.steps[batch.progress[1]] += losses.steps.dtype.type(0.5) * rule.weight_decay * total
