"""Many rows through every layer: blocks of rows that stay in the cache, shared among threads.

Where most of the inputs are 0 the first layer goes by records of the block's rows, as an epoch does.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet_kernels import _threads
from xpnet_kernels._ahead import CACHE_LINE, NOTHING, Ahead
from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit
from xpnet_kernels._views import view
from xpnet_kernels.mlp_epoch import phases, records, worker
from xpnet_kernels.mlp_epoch.layout import INPUTS, Net, load, make_net, read_in_place, samples

BLOCK = 60
"""Rows of a block."""

WORTH_LISTING = 80
"""Outputs of the first layer from which on records that are used once pay."""

WORTH_SHARING = 10_000_000
"""Fewer multiplications are done before a second thread has started."""

Buffers = tuple[Net, list[records.Room]]
"""A net's, of which each thread has a copy of the values, and room for each thread's records."""


def forward_in_blocks(
    x: Array, arrays: Sequence[Array], codes: Sequence[int], spare: list[tuple[Any, Buffers]]
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
    net, rooms = _spare(spare, what_for) or (
        make_net(sizes, rows, workers, dtype, listed, copies=workers),
        [records.make_room(rows if listed else 0, x.shape[1], dtype) for _ in range(workers)],
    )
    load(net, arrays)
    y = np.empty((count, sizes[-1]), dtype)
    in_place = read_in_place(x, dtype)
    cuts = [count * worker // workers for worker in range(workers + 1)]
    job = net, x, y, np.arange(count), np.array(codes), in_place
    lists = [(room, np.empty((rows, 2), np.int64), np.empty(0, dtype)) for room in rooms]
    parts = [(me, *lists[me], *job, cuts[me], cuts[me + 1]) for me in range(workers)]
    threads = [threading.Thread(target=forward_blocks, args=part) for part in parts[1:]]
    for thread in threads:
        thread.start()
    try:
        forward_blocks(*parts[0])
    finally:
        for thread in threads:
            thread.join()
    spare.append((what_for, (net, rooms)))
    return y


def _spare(spare: list[tuple[Any, Buffers]], what_for: Any) -> Buffers | None:
    """Take buffers out of `spare`; None if there are none, or they were made for something else."""
    try:
        made_for, buffers = spare.pop()
    except IndexError:
        return None
    return buffers if made_for == what_for else None


@njit
def forward_blocks(
    me: int, room: Any, addresses: Array, no_levels: Array, net: Any, x: Array, y: Array, order: Array,
    codes: Array, in_place: bool, start: int, stop: int,
) -> None:  # fmt: skip
    """Write the logits of rows start to stop; `order` holds every row's number.

    The records of a block, if there are any, are made in `room`, and their addresses noted in `addresses`.
    With `in_place` the rows are read where they lie: they are of the net's dtype, and whole vectors.
    """
    dtype = y.dtype.type
    scale = dtype(1) / dtype(255) if x.itemsize == 1 else dtype(1)
    for begin in range(start, stop, net.rows):
        batch = order[begin : min(begin + net.rows, stop)]
        rows = net.input_rows[me, : len(batch)]
        following = order[begin + len(batch) : min(begin + len(batch) + net.rows, stop)]
        if net.listed:
            records.fill(room, x[begin:], 0, len(batch), scale, no_levels, addresses)
            for i in range(len(batch)):
                rows[i] = addresses[i, 0]
            following = following[:0]  # rows that are read one after another come unasked
        elif in_place:
            phases.locate(rows, x, batch)
        else:
            phases.gather(net.inputs[me], x, batch, scale)
            phases.locate_all(rows, net.inputs[me, : len(batch)])
        requests = (x.strides[0] + CACHE_LINE - 1) // CACHE_LINE
        ahead = Ahead(net.ahead[me, : len(following)], requests, CACHE_LINE)
        phases.locate(ahead.rows, x, following)
        worker.through_the_inputs(0, 1, net, rows, no_levels, codes[0], me, ahead)
        into = view(net.values[me], samples(net, 1))
        for layer in range(1, len(codes)):
            into, outputs = view(net.values[me], samples(net, layer + 1)), net.plan[layer + 1, INPUTS]
            rows = net.value_rows[me, layer]
            phases.forward(net, rows, into, layer, codes[layer], 0, outputs, 0, len(batch), NOTHING, 0)
        for i in range(len(batch)):
            for j in range(y.shape[1]):
                y[begin + i, j] = into[i, j]
