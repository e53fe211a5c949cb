"""Many rows through every layer: blocks of rows that stay in the cache, shared among threads."""

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
from xpnet_kernels.mlp_epoch import phases
from xpnet_kernels.mlp_epoch.layout import INPUTS, Net, load, make_net, read_in_place, samples

BLOCK = 60
"""Rows of a block."""

WORTH_SHARING = 10_000_000
"""Fewer multiplications are done before a second thread has started."""


def forward_in_blocks(
    x: Array, arrays: Sequence[Array], codes: Sequence[int], spare: list[tuple[Any, Net]]
) -> Array:
    """Return the logits of a batch; see `Forward`.

    `spare` holds buffers that no other thread uses now, with what they were made for.
    """
    count, dtype = x.shape[0], arrays[-1].dtype
    enough_work = count * sum(W.size for W in arrays[::2]) >= WORTH_SHARING
    workers = max(1, min(_threads.allowed(enough_work), count // BLOCK))
    sizes = [x.shape[1], *(b.shape[0] for b in arrays[1::2])]
    rows = min(BLOCK, count)
    net = _spare_net(spare, (rows, workers)) or make_net(sizes, rows, workers, dtype, copies=workers)
    load(net, arrays)
    y = np.empty((count, sizes[-1]), dtype)
    in_place = read_in_place(x, dtype)
    cuts = [count * worker // workers for worker in range(workers + 1)]
    job = net, x, y, np.arange(count), np.array(codes), in_place
    parts = [(me, *job, cuts[me], cuts[me + 1]) for me in range(workers)]
    threads = [threading.Thread(target=forward_blocks, args=part) for part in parts[1:]]
    for thread in threads:
        thread.start()
    try:
        forward_blocks(*parts[0])
    finally:
        for thread in threads:
            thread.join()
    spare.append(((rows, workers), net))
    return y


def _spare_net(spare: list[tuple[Any, Net]], what_for: tuple[int, int]) -> Net | None:
    """Take buffers out of `spare`; None if there are none, or they were made for something else."""
    try:
        made_for, net = spare.pop()
    except IndexError:
        return None
    return net if made_for == what_for else None


@njit
def forward_blocks(
    me: int, net: Any, x: Array, y: Array, order: Array, codes: Array, in_place: bool, start: int, stop: int
) -> None:
    """Write the logits of rows start to stop; `order` holds every row's number.

    With `in_place` the rows are read where they lie: they are of the net's dtype, and whole vectors.
    """
    dtype = y.dtype.type
    scale = dtype(1) / dtype(255) if x.itemsize == 1 else dtype(1)
    for begin in range(start, stop, net.rows):
        batch = order[begin : min(begin + net.rows, stop)]
        rows = net.input_rows[me]
        if in_place:
            phases.locate(rows, x, batch)
        else:
            phases.gather(net.inputs[me], x, batch, scale)
            phases.locate_all(rows, net.inputs[me, : len(batch)])
        following = order[begin + len(batch) : min(begin + len(batch) + net.rows, stop)]
        requests = (x.strides[0] + CACHE_LINE - 1) // CACHE_LINE
        ahead = Ahead(net.ahead[me, : len(following)], requests, CACHE_LINE)
        phases.locate(ahead.rows, x, following)
        for layer in range(len(codes)):
            into, outputs = view(net.values[me], samples(net, layer + 1)), net.plan[layer + 1, INPUTS]
            asked_for = ahead if layer == 0 else NOTHING
            phases.forward(net, rows, into, layer, codes[layer], 0, outputs, 0, len(batch), asked_for, 0)
            rows = net.value_rows[me, layer + 1]
        for i in range(len(batch)):
            for j in range(y.shape[1]):
                y[begin + i, j] = into[i, j]
