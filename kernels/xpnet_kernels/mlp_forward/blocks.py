"""Many rows through every layer: blocks of rows that stay in the cache, shared among threads.

Where most of the inputs are 0 the first layer goes by records of the block's rows, as an epoch does.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from xpnet_kernels import _threads
from xpnet_kernels._ahead import CACHE_LINE, NOTHING, Ahead
from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit
from xpnet_kernels._simd import lanes
from xpnet_kernels._simd_list import PLACE
from xpnet_kernels._views import view
from xpnet_kernels.mlp_epoch import phases, records, worker
from xpnet_kernels.mlp_epoch.layout import INPUTS, Net, load, make_net, read_in_place, samples

BLOCK = 60
"""Rows of a block."""

WORTH_LISTING = 80
"""Outputs of the first layer from which on records that are used once pay."""

WORTH_SHARING = 10_000_000
"""Fewer multiplications are done before a second thread has started."""


class Room(NamedTuple):
    """Where each worker makes the records of a block; see `records.fill`."""

    numbers: Array
    others: Array
    places: Array
    addresses: Array


def make_room(workers: int, rows: int, inputs: int, dtype: Any) -> Room:
    """Return room for the records of so many rows; of none where none are made."""
    item = int(np.dtype(dtype).itemsize)
    memory = np.empty((workers, -(-rows * records.most_bytes(inputs, item) // 8)), np.int64)
    places = np.empty((workers, inputs + lanes(dtype)), PLACE)
    return Room(memory.view(dtype), memory.view(PLACE), places, np.empty((workers, rows, 2), np.int64))


def forward_in_blocks(
    x: Array, arrays: Sequence[Array], codes: Sequence[int], spare: list[tuple[Any, tuple[Net, Room]]]
) -> Array:
    """Return the logits of a batch; see `Forward`.

    `spare` holds buffers that no other thread uses now, with what they were made for.
    """
    count, dtype = x.shape[0], arrays[-1].dtype
    enough_work = count * sum(W.size for W in arrays[::2]) >= WORTH_SHARING
    workers = max(1, min(_threads.allowed(enough_work), count // BLOCK))
    sizes = [x.shape[1], *(b.shape[0] for b in arrays[1::2])]
    rows, listed = min(BLOCK, count), sizes[1] >= WORTH_LISTING and records.worth_it(x, sizes[1], dtype)
    what_for = rows, workers, listed
    net, room = _spare(spare, what_for) or (
        make_net(sizes, rows, workers, dtype, listed, copies=workers),
        make_room(workers, rows if listed else 0, x.shape[1], dtype),
    )
    load(net, arrays)
    y = np.empty((count, sizes[-1]), dtype)
    in_place = read_in_place(x, dtype)
    cuts = [count * worker // workers for worker in range(workers + 1)]
    job = net, room, x, y, np.arange(count), np.array(codes), in_place
    parts = [(me, *job, cuts[me], cuts[me + 1]) for me in range(workers)]
    threads = [threading.Thread(target=forward_blocks, args=part) for part in parts[1:]]
    for thread in threads:
        thread.start()
    try:
        forward_blocks(*parts[0])
    finally:
        for thread in threads:
            thread.join()
    spare.append((what_for, (net, room)))
    return y


def _spare(spare: list[tuple[Any, tuple[Net, Room]]], what_for: Any) -> tuple[Net, Room] | None:
    """Take buffers out of `spare`; None if there are none, or they were made for something else."""
    try:
        made_for, buffers = spare.pop()
    except IndexError:
        return None
    return buffers if made_for == what_for else None


@njit
def forward_blocks(
    me: int, net: Any, room: Any, x: Array, y: Array, order: Array, codes: Array, in_place: bool, start: int,
    stop: int,
) -> None:  # fmt: skip
    """Write the logits of rows start to stop; `order` holds every row's number.

    With `in_place` the rows are read where they lie: they are of the net's dtype, and whole vectors.
    """
    dtype = y.dtype.type
    scale = dtype(1) / dtype(255) if x.itemsize == 1 else dtype(1)
    for begin in range(start, stop, net.rows):
        batch = order[begin : min(begin + net.rows, stop)]
        rows = net.input_rows[me, : len(batch)]
        following = order[begin + len(batch) : min(begin + len(batch) + net.rows, stop)]
        if net.listed:
            list_rows(me, room, x[begin : begin + len(batch)], scale, rows)
            following = following[:0]  # rows that are read one after another come unasked
        elif in_place:
            phases.locate(rows, x, batch)
        else:
            phases.gather(net.inputs[me], x, batch, scale)
            phases.locate_all(rows, net.inputs[me, : len(batch)])
        requests = (x.strides[0] + CACHE_LINE - 1) // CACHE_LINE
        ahead = Ahead(net.ahead[me, : len(following)], requests, CACHE_LINE)
        phases.locate(ahead.rows, x, following)
        worker.through_the_inputs(0, 1, net, rows, codes[0], me, ahead)
        into = view(net.values[me], samples(net, 1))
        for layer in range(1, len(codes)):
            into, outputs = view(net.values[me], samples(net, layer + 1)), net.plan[layer + 1, INPUTS]
            rows = net.value_rows[me, layer]
            phases.forward(net, rows, into, layer, codes[layer], 0, outputs, 0, len(batch), NOTHING, 0)
        for i in range(len(batch)):
            for j in range(y.shape[1]):
                y[begin + i, j] = into[i, j]


@njit
def list_rows(me: int, room: Any, x: Array, scale: Any, rows: Array) -> None:
    """Make the records of some rows, and write where they are."""
    numbers, addresses = room.numbers[me], room.addresses[me]
    longest = numbers.size * numbers.itemsize // len(addresses)
    records.fill(numbers, room.others[me], room.places[me], x, 0, len(x), scale, longest, addresses)
    for i in range(len(x)):
        rows[i] = addresses[i, 0]
