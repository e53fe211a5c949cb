"""An epoch on the CPU: compiled code that keeps every buffer and leaves Python out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from xpnet_kernels import _threads
from xpnet_kernels._arrays import Array, as_taken
from xpnet_kernels._barrier import LINE
from xpnet_kernels._simd_list import MOST_PLACES
from xpnet_kernels.mlp_epoch import phases, updates
from xpnet_kernels.mlp_epoch.delayed import BLOCK, load_delayed, make_delayed, store_delayed, work_delayed
from xpnet_kernels.mlp_epoch.job import Job
from xpnet_kernels.mlp_epoch.layout import load as load_net
from xpnet_kernels.mlp_epoch.layout import make_net, read_in_place
from xpnet_kernels.mlp_epoch.layout import store as store_net
from xpnet_kernels.mlp_epoch.records import AT_ONCE, NO_RECORDS, Records, filled, make_records, worth_it
from xpnet_kernels.mlp_epoch.single import load_single, make_single, store_single, work_alone
from xpnet_kernels.mlp_epoch.steps import Steps
from xpnet_kernels.mlp_epoch.worker import work

CACHE = 1 << 19
"""Bytes of samples at once: half of a small second-level cache, because the next ones come into it too."""

FEW, MANY = 64, 512
"""Samples at once at least, in a small net and in a wide one."""


MOSTLY_FIRST = 8
"""How many times as many weights as all others the first layer has where its changes are delayed."""

WORTH_DELAYING = 5
"""Outputs of that layer, times the share of its inputs that are not 0, from which on it pays."""


class Way(NamedTuple):
    """How steps are made: buffers, how parameters come into them and back, and what a thread does.

    `together` is how many steps are made at once; the last ones may be fewer.
    """

    name: str
    make: Callable[..., Any]
    load: Callable[..., None]
    store: Callable[..., None]
    work: Callable[..., None]
    together: int = 1


IN_BATCHES = Way("batches", make_net, load_net, store_net, work)
ONE_BY_ONE = Way("single", make_single, load_single, store_single, work_alone)
DELAYED = Way("delayed", make_delayed, load_delayed, store_delayed, work_delayed, together=BLOCK)


def train_on_cpu(
    x: Array,
    t: Array,
    order: Array,
    *arrays: Array,
    activations: Sequence[str],
    batch_size: int,
    update: str,
    options: Sequence[dict[str, float]],
    weight_decay: float = 0.0,
    should_stop: Callable[[], bool] | None = None,
    out: Sequence[Array] | None = None,
    workspace: dict[str, Any] | None = None,
) -> tuple[Array, ...]:
    """Run an epoch in compiled code; see `mlp_epoch`."""
    x, dtype, count = as_taken(x), arrays[0].dtype, 2 * (len(activations) + 1)
    sizes = [arrays[0].shape[0], *(b.shape[0] for b in arrays[1:count:2])]
    batch_size, kept = min(batch_size, len(order)), {} if workspace is None else workspace
    way = kept_way(kept, x, sizes, batch_size, update, weight_decay)
    scale = dtype.type(1 / 255 if x.dtype == np.uint8 else 1)
    records = records_of(way, x, scale, sizes[1], len(options), kept)
    workers = 1 if way is ONE_BY_ONE else _threads.allowed(enough_work=True)
    piece = way.together if way is DELAYED else piece_rows(sizes, batch_size, dtype)
    what = sizes, piece, workers, dtype, bool(records.memory)
    # Taken out: what an epoch leaves that fails is not used again.
    net = kept.pop(key := f"{way.name} {what}", None) or way.make(*what)
    way.load(net, arrays)
    job = Job(
        x=x,
        t=np.ascontiguousarray(t, dtype=np.int64),
        order=np.ascontiguousarray(order, dtype=np.int64),
        batch_size=batch_size,
        piece=piece,
        scale=scale,
        records=records.addresses,
        levels=records.levels.astype(dtype, copy=False),
        in_place=read_in_place(x, dtype),
        activations=np.array([*(phases.CODES[name] for name in activations), phases.NONE]),
        kind=updates.CODES[update],
        numbers=updates.step_numbers(update, options, dtype),
        weight_decay=dtype.type(weight_decay),
        row_losses=np.zeros(batch_size, dtype=dtype),
        losses=np.zeros(len(options), dtype=dtype),
        penalties=np.zeros(workers),
        meeting=np.zeros(workers * LINE, dtype=np.int64),
        flags=np.zeros(3 * LINE, dtype=np.int64),
    )
    results = [np.empty_like(array) for array in arrays] if out is None else list(out)
    steps = Steps(way.work, net, job, sizes, should_stop, way.together)
    try:
        steps.make_all(workers)
    finally:
        way.store(net, results)
    kept[key] = net
    return (job.losses[: steps.made], *results)


def kept_way(kept: dict[str, Any], x: Array, *how: Any) -> Way:
    """Return `way_of` these, found once: some of the samples are looked at for it."""
    key = f"way {how}"
    if key not in kept:
        kept[key] = way_of(x, *how)
    way: Way = kept[key]
    return way


def way_of(x: Array, sizes: Sequence[int], batch_size: int, update: str, weight_decay: float) -> Way:
    """Return how the steps are made."""
    if batch_size > 1 or update != "sgd" or weight_decay != 0:
        return IN_BATCHES
    first, *others = (inputs * outputs for inputs, outputs in itertools.pairwise(sizes))
    if first >= MOSTLY_FIRST * sum(others) and sizes[1] * filled(x) >= WORTH_DELAYING:
        return DELAYED
    return ONE_BY_ONE if max(sizes) <= MOST_PLACES else IN_BATCHES


def records_of(way: Way, x: Array, scale: Any, outputs: int, steps: int, kept: dict[str, Any]) -> Records:
    """Return the records of the samples x, made now or in an epoch before; none where they would not pay.

    They are made for the first epoch where that makes up for it, else for the second. An epoch without steps
    compiles.
    """
    key = f"records {scale.dtype}"
    records: Records | None = NO_RECORDS if way is ONE_BY_ONE else kept.get(key)
    if records is None and not worth_it(x, outputs, scale.dtype):
        records = kept[key] = NO_RECORDS
    elif records is None and steps == 0:
        make_records(x[:1], scale)
    elif records is None and (key in kept or outputs >= AT_ONCE):
        records = kept[key] = make_records(x, scale)
    elif records is None:
        kept[key] = None
    return records or NO_RECORDS


def piece_rows(sizes: Sequence[int], batch_size: int, dtype: Any) -> int:
    """Return how many samples of a batch go through the net at once: equal pieces that stay in a cache.

    Each piece reads and writes all of the gradients, so it is longer where these do not stay there too.
    """
    item = int(np.dtype(dtype).itemsize)
    wide = item * sum(a * b for a, b in itertools.pairwise(sizes)) > CACHE
    most = max(CACHE // (item * max(sizes[0], 1)), MANY if wide else FEW)
    return -(-batch_size // max(-(-batch_size // most), 1))
