"""An epoch on the CPU: compiled code that keeps every buffer and leaves Python out."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from xpnet_kernels import _threads
from xpnet_kernels._arrays import Array
from xpnet_kernels._barrier import LINE
from xpnet_kernels.mlp_epoch import phases, updates
from xpnet_kernels.mlp_epoch.job import MADE, STOP, Job
from xpnet_kernels.mlp_epoch.layout import load as load_net
from xpnet_kernels.mlp_epoch.layout import make_net, read_in_place
from xpnet_kernels.mlp_epoch.layout import store as store_net
from xpnet_kernels.mlp_epoch.single import load_single, make_single, store_single, work_alone
from xpnet_kernels.mlp_epoch.team import make_steps
from xpnet_kernels.mlp_epoch.worker import work

CACHE = 1 << 19
"""Bytes of samples at once: half of a small second-level cache, because the next ones come into it too."""

FEW, MANY = 64, 512
"""Samples at once at least, in a small net and in a wide one."""

POLL_SECONDS = 0.05
"""How often the calling thread asks whether to stop."""

UNINTERRUPTED = 0.05
"""Seconds below which the calling thread makes the steps itself, deaf to Ctrl-C meanwhile: the least of them
are made sooner than a thread has started."""

LEAST_RATE, LEAST_STEP = 5e8, 5e-6
"""What a slow processor does: multiplications, of a forward pass, in a second; seconds of a step besides."""


class Way(NamedTuple):
    """How steps are made: buffers, how parameters come into them and back, and what a thread does."""

    name: str
    make: Callable[..., Any]
    load: Callable[..., None]
    store: Callable[..., None]
    work: Callable[..., None]


IN_BATCHES = Way("batches", make_net, load_net, store_net, work)
ONE_BY_ONE = Way("single", make_single, load_single, store_single, work_alone)


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
    dtype = arrays[0].dtype
    count = 2 * (len(activations) + 1)
    sizes = [arrays[0].shape[0], *(b.shape[0] for b in arrays[1:count:2])]
    batch_size = min(batch_size, len(order))
    one_by_one = update == "sgd" and batch_size == 1 and weight_decay == 0
    way = ONE_BY_ONE if one_by_one else IN_BATCHES
    workers = 1 if one_by_one else _threads.allowed(enough_work=True)
    piece = piece_rows(sizes, batch_size, dtype)
    key, kept = f"{way.name} {sizes} {piece} {workers} {dtype}", {} if workspace is None else workspace
    # Taken out: what an epoch leaves that fails is not used again.
    net = kept.pop(key, None) or way.make(sizes, piece, workers, dtype)
    way.load(net, arrays)
    codes = [phases.CODES[name] for name in activations]
    x = np.ascontiguousarray(x)
    job = Job(
        x=x,
        t=np.ascontiguousarray(t, dtype=np.int64),
        order=np.ascontiguousarray(order, dtype=np.int64),
        batch_size=batch_size,
        piece=piece,
        scale=dtype.type(1 / 255 if x.dtype == np.uint8 else 1),
        in_place=read_in_place(x, dtype),
        activations=np.array([*codes, phases.NONE]),
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
    steps = Steps(way, net, job, sizes, should_stop)
    try:
        steps.make_all(workers)
    finally:
        way.store(net, results)
    kept[key] = net
    return (job.losses[: steps.made], *results)


class Steps:
    """The steps of an epoch, made some at a time.

    Attributes
    ----------
    made : int
        How many were made.
    """

    def __init__(
        self, way: Way, net: Any, job: Job, sizes: Sequence[int], should_stop: Callable[[], bool] | None
    ) -> None:
        self.way, self.net, self.job, self.sizes, self._should_stop = way, net, job, sizes, should_stop
        self.made = 0
        self._multiplications = job.batch_size * sum(a * b for a, b in itertools.pairwise(sizes))

    def make_all(self, most: int) -> None:
        """Make the steps with as many threads as the user has chosen, or as are fastest, up to `most`."""
        job = self.job
        if len(job.losses) == 0:
            self.way.work(0, 1, self.net, job)  # compiles
        elif most == 1:
            self.make(1, len(job.losses))
        else:
            # What decides how long a step takes, and nothing that differs from one epoch to the next.
            types = job.losses.dtype, job.x.dtype
            like = tuple(self.sizes), job.batch_size, *types, job.kind, job.weight_decay != 0
            make_steps(self.make, len(job.losses), self._multiplications, like)

    def make(self, workers: int, count: int) -> float:
        """Make the next `count` steps with so many threads; return the seconds, infinite if told to stop."""
        steps = slice(self.made, self.made + count)
        samples = slice(steps.start * self.job.batch_size, steps.stop * self.job.batch_size)
        started = time.perf_counter()
        part = self.job._replace(
            order=self.job.order[samples],
            numbers=self.job.numbers[steps],
            losses=self.job.losses[steps],
            penalties=np.zeros_like(self.job.penalties),
            meeting=np.zeros_like(self.job.meeting),
            flags=np.zeros_like(self.job.flags),
        )
        if workers == 1 and count * (LEAST_STEP + self._multiplications / LEAST_RATE) < UNINTERRUPTED:
            self.way.work(0, 1, self.net, part)
            made = int(part.flags[MADE])
        else:
            made = run(self.way.work, workers, self.net, part, self._should_stop)
        self.made += made
        return time.perf_counter() - started if made == count else math.inf


def piece_rows(sizes: Sequence[int], batch_size: int, dtype: Any) -> int:
    """Return how many samples of a batch go through the net at once: equal pieces that stay in a cache.

    Each piece reads and writes all of the gradients, so it is longer where these do not stay there too.
    """
    item = int(np.dtype(dtype).itemsize)
    wide = item * sum(a * b for a, b in itertools.pairwise(sizes)) > CACHE
    most = max(CACHE // (item * sizes[0]), MANY if wide else FEW)
    return -(-batch_size // -(-batch_size // most))


def run(
    work: Callable[..., None], workers: int, net: Any, job: Job, should_stop: Callable[[], bool] | None
) -> int:
    """Run the workers in threads of their own, so that this one can be interrupted; return the steps made."""
    errors: list[BaseException] = []
    threads = [
        threading.Thread(target=_work_apart, args=(errors, work, me, workers, net, job), daemon=True)
        for me in range(workers)
    ]
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads):
            threads[0].join(POLL_SECONDS)
            if should_stop is not None and should_stop():
                job.flags[STOP] = 1
    finally:
        job.flags[STOP] = 1
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
    return int(job.flags[MADE])


def _work_apart(errors: list[BaseException], work: Callable[..., None], me: int, *args: Any) -> None:
    """Be a worker on a processor of its own from the start: waiting for each other on one, they crawl."""
    try:
        _threads.spread(me)
        work(me, *args)
    except BaseException as error:
        errors.append(error)
