"""A product of matrices by blocks of threads: each warp takes a share of the sum, a block adds the shares.

A step of a small net is over before a long sum has run through one thread, so the inner dimension is what the
warps of a block divide among them. A block is LANES x SLICES threads: `threadIdx.x`, the lane, is a column of
the block's tile, and `threadIdx.y`, the slice, is a share of the sum.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda

LANES = 32
"""Columns of a tile, one a lane of a warp: neighbouring lanes read neighbouring addresses."""

SLICES = 8
"""Warps of a block."""

THREADS = LANES * SLICES
"""Of a block."""

ROWS = 4
"""Rows of a tile of a product; at most SLICES, since each slice ends with one row."""

# Indices in the loops are unsigned: a signed one may count from the end, and the test for that takes longer
# than the sum. So do 64 bits, where 32 are enough.

WIDEST_READ = 16
"""Bytes: shared memory that begins at a multiple of it is read four numbers at a time."""


class Batch(NamedTuple):
    """Which samples a step takes.

    Attributes
    ----------
    order : array (visited,), int64
        Which samples the epoch visits, in which order.
    progress : array (2,), int64
        The step that goes forward, and the step whose gradients are taken. They are counted apart: a kernel
        that moves a number on must not be the one that reads it.
    size : int
        Samples in a batch; the last may be smaller.
    """

    order: Array
    progress: Array
    size: int


class Source(NamedTuple):
    """The rows that a product takes from the left.

    Attributes
    ----------
    x : array (n, D)
        uint8 or the net's dtype.
    scale : float of the net's dtype
        What an element is multiplied by: 1/255 for pixels.
    gathered : bool
        Whether the batch's rows are chosen by its order; else row i of the batch is row i of x.
    """

    x: Array
    scale: Any
    gathered: bool


@cuda.jit(device=True)
def rows_in(batch: Any, which: int) -> Any:
    """Return how many samples the step has that goes forward (0) or backward (1); 0 after the last step."""
    left = batch.order.size - batch.progress[which] * batch.size
    return max(0, min(batch.size, left))


@cuda.jit(device=True)
def sample_at(batch: Any, source: Any, which: int, row: int) -> Any:
    """Return where a row of the batch lies in the source."""
    return batch.order[batch.progress[which] * batch.size + row] if source.gathered else row


@cuda.jit(device=True)
def tile_of_product(batch: Any, source: Any, M: Array, inner: int, first: int) -> Any:
    """Return one element of rows · M, where rows are the batch's, from `first` on, and beyond its end zeros.

    Every thread of the block must call it: it synchronises the block. The thread of lane l and slice r < ROWS
    returns the element of row first + r and column l of the block's tile; the other slices' mean nothing.

    Parameters
    ----------
    batch : Batch
    source : Source
    M : array (at least inner, H)
    inner : int
        How many elements of a row there are to multiply; at least 1.
    first : int
        The tile's first row of the batch.
    """
    left = cuda.shared.array((THREADS, ROWS), M.dtype, WIDEST_READ)
    shares = cuda.shared.array((SLICES, ROWS, LANES), M.dtype)
    sums = cuda.local.array(ROWS, M.dtype)
    samples = cuda.local.array(ROWS, np.int64)
    own = cuda.local.array(LANES, M.dtype)
    lane, part = cuda.threadIdx.x, cuda.threadIdx.y
    column = min(cuda.blockIdx.x * LANES + lane, M.shape[1] - 1)
    zero, rows = M.dtype.type(0), rows_in(batch, 0)
    for r in range(ROWS):
        sums[r] = zero
        samples[r] = sample_at(batch, source, 0, first + r) if first + r < rows else -1
    for start in range(0, inner, THREADS):
        # All reads of a turn are on their way before the first is used: they take longer than the sums.
        for n in range(LANES):
            k = min(np.int32(start + n * SLICES + part), np.int32(inner - 1))  # beyond it, left is 0
            own[n] = M[np.uint32(k), column]
        stage(source, samples, start, inner, left)
        cuda.syncthreads()
        for n in range(LANES):
            for r in range(ROWS):
                sums[r] += left[n * SLICES + part, r] * own[n]
        cuda.syncthreads()
    for r in range(ROWS):
        shares[part, r, lane] = sums[r]
    cuda.syncthreads()
    total = zero
    if part < ROWS:
        for s in range(SLICES):
            total += shares[s, part, lane]
    return total


@cuda.jit(device=True)
def stage(source: Any, samples: Array, start: int, inner: int, left: Array) -> None:
    """Bring THREADS elements of each sample, from `start` on, to shared memory, (THREADS, ROWS), scaled."""
    thread = cuda.threadIdx.y * LANES + cuda.threadIdx.x
    k = min(start + thread, inner - 1)
    values = cuda.local.array(ROWS, left.dtype)
    for r in range(ROWS):
        values[r] = left.dtype.type(source.x[max(samples[r], 0), k]) * source.scale
    for r in range(ROWS):
        left[thread, r] = values[r] if start + thread < inner and samples[r] >= 0 else left.dtype.type(0)


@cuda.jit(device=True)
def sum_over_block(value: Any, values: Array) -> Any:
    """Return the sum of every thread's value, always added in one order.

    Every thread of the block must call it, with its own value: it synchronises the block. It works in shared
    memory, (SLICES, LANES), of the kernel's: numba-cuda cannot link a function that has its own and is called
    from two others.
    """
    lane, part, zero = cuda.threadIdx.x, cuda.threadIdx.y, values.dtype.type(0)
    values[part, lane] = value
    cuda.syncthreads()
    if lane == 0:
        total = zero
        for n in range(LANES):
            total += values[part, n]
        values[part, 0] = total
    cuda.syncthreads()
    total = zero
    for s in range(SLICES):
        total += values[s, 0]
    return total
