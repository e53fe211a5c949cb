"""The first layer on records of its samples: what is 0 takes part neither in its product nor in its gradient.

W (D, H) lies in panels, each a vector of columns wide: first the first vector of every row, then the second.
A thread owns whole panels. Side by side, what the processor fetches unasked beside the memory asked for would
be taken from another thread: two took twice as long as one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xpnet_kernels._ahead import CACHE_LINE, ask_for
from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit
from xpnet_kernels._listed_rows import tile_width
from xpnet_kernels._simd import lanes
from xpnet_kernels._simd_list import level_at, place_at
from xpnet_kernels._simd_row import VECTORS, add_listed_rows, add_to_listed_rows, number_at
from xpnet_kernels._tiles import lane_count
from xpnet_kernels.mlp_epoch.levels import number_bytes
from xpnet_kernels.mlp_epoch.records import BLOCK, blocks_of, entries

FEW_SAMPLES = 32
"""Up to so many samples change W one by one."""


def panel_length(inputs: int, dtype: Any) -> int:
    """Return how many numbers a panel of W takes: an odd number of rows, so that panels do not compete."""
    return (inputs + 1 - inputs % 2) * lanes(dtype)


def panels_of(place: Array, W: Array) -> Iterator[tuple[Array, Array]]:
    """Yield each panel in its place, (D, columns), with the columns of W (D, H) that belong into it."""
    lane = lanes(W.dtype)
    for panel, begin in zip(place, range(0, W.shape[1], lane), strict=True):
        columns = W[:, begin : begin + lane]
        yield panel.reshape(-1, lane)[: len(W), : columns.shape[1]], columns


@njit
def panel_from(panels: Array, column: int) -> tuple[int, int, int]:
    """Return the address of the panel of a column, and bytes from row to row and from panel to panel."""
    lane, step = lane_count(panels), panels.strides[0]
    return panels.ctypes.data + column // lane * step, lane * panels.itemsize, step


@njit
def set_products(
    records: Array, levels: Array, inputs: int, panels: Array, b: Array, y: Array, first: int, last: int,
    soon: Any,
) -> None:  # fmt: skip
    """Write columns first to last of x W + b into y.

    Parameters
    ----------
    records : array (N,), int64
        The addresses of the samples' records.
    levels : array (n,)
        What their numbers are the levels of; empty where they have the numbers themselves.
    inputs : int
        D.
    panels : array (panels, n)
        W.
    b, y : array (H,), (N, H)
    first, last : int
        `first` begins a panel.
    soon : tuple of two array (n,), int64
        Where memory begins and ends that is asked for meanwhile.
    """
    item = number_bytes(levels)
    for j in range(first, last, VECTORS * lane_count(b)):
        vectors, columns = tile_width(last - j, lane_count(b))
        at, row_bytes, step = panel_from(panels, j)
        for i in range(len(records)):
            if j == first:
                ask_in_part(soon, i, len(records))
            numbers, places, count = entries(records[i], inputs, item)
            where = numbers, places, 0, count, at, row_bytes, step
            if levels.size > 0:
                add_listed_rows(*where, b, y[i], j, columns, vectors, levels.ctypes.data)
            else:
                add_listed_rows(*where, b, y[i], j, columns, vectors, None)


@njit
def add_outer_products(
    records: Array, levels: Array, inputs: int, panels: Array, factor: Any, dy: Array, first: int, last: int,
    sums: Array, soon: Any,
) -> None:  # fmt: skip
    """Add columns first to last of factor xᵀ dy to a matrix (D, H), given by its panels; see `set_products`.

    The samples of a piece are added up for some rows of the matrix at a time, in `sums`, which stays in the
    first-level cache, and the sums are added to the matrix: samples one by one would vanish beside large
    weights. A few samples are added straight: that is less work. What fills up the last panel is changed
    along, by what fills up dy's rows: 0.

    Parameters
    ----------
    sums : array (n,)
        Zeros, as many as `sums_length` says; zeros again afterwards.
    """
    lane, one, blocks = lane_count(dy), dy.dtype.type(1), blocks_of(inputs)
    row_bytes, straight = lane * dy.itemsize, len(records) <= FEW_SAMPLES
    for j in range(first, last, VECTORS * lane):
        vectors, _ = tile_width(last - j, lane)
        together = VECTORS // vectors
        panels_at, _, step = panel_from(panels, j)
        step = step if straight else together * BLOCK * row_bytes
        for block in range(0, blocks, together):
            upto = min(block + together, blocks)
            at = panels_at if straight else sums.ctypes.data - block * BLOCK * row_bytes
            for i in range(len(records)):
                if j == first and block == 0:
                    ask_in_part(soon, i, len(records))
                numbers, places, _ = entries(records[i], inputs, number_bytes(levels))
                start, stop = place_at(records[i], block), place_at(records[i], upto)
                where = numbers, places, start, stop, at, row_bytes, step
                scale = factor if straight else one
                if levels.size > 0:
                    add_to_listed_rows(*where, scale, dy[i], j, None, vectors, levels.ctypes.data)
                else:
                    add_to_listed_rows(*where, scale, dy[i], j, None, vectors, None)
            if straight:
                continue
            begin, end = block * BLOCK * lane, min(upto * BLOCK, inputs) * lane
            for v in range(vectors):
                own = sums[v * together * BLOCK * lane :]
                move(panels[j // lane + v, begin:end], own[: end - begin], factor)


def sums_length(dtype: Any) -> int:
    """Return how many numbers `add_outer_products` adds up at a time."""
    return VECTORS * BLOCK * lanes(dtype)


@njit
def move(target: Array, sums: Array, factor: Any) -> None:
    """Add factor times the sums to the target, and clear them."""
    zero = sums.dtype.type(0)
    for i in range(target.size):
        target[i] += factor * sums[i]
        sums[i] = zero


@njit
def look_up(addresses: Array, batch: Array, begins: Array, ends: Array) -> None:
    """Note where the records of a batch begin and end."""
    for i in range(len(batch)):
        begins[i], ends[i] = addresses[batch[i], 0], addresses[batch[i], 1]


@njit
def unpack(addresses: Array, levels: Array, batch: Array, inputs: int, rows: Array) -> None:
    """Write the samples of a batch into rows (n, D), whole, from their records."""
    for i in range(len(batch)):
        row = rows[i]
        row[:] = 0
        numbers, places, count = entries(addresses[batch[i], 0], inputs, number_bytes(levels))
        for k in range(count):
            if levels.size > 0:
                row[place_at(places, k)] = levels[level_at(numbers, k)]
            else:
                row[place_at(places, k)] = number_at(numbers, k, row)


@njit
def ask_in_part(soon: Any, part: int, parts: int) -> None:
    """Ask for one of so many parts of some stretches of memory, for half a stretch at a time."""
    begins, ends = soon
    halves = 2 * len(begins)
    for half in range(halves * part // parts, halves * (part + 1) // parts):
        begin, end = begins[half // 2], ends[half // 2]
        middle = begin + (end - begin) // 2 // CACHE_LINE * CACHE_LINE
        begin, end = (begin, middle) if half % 2 == 0 else (middle, end)
        for line in range(begin, end, CACHE_LINE):
            ask_for(line)
