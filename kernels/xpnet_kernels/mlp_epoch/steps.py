"""The steps of an epoch on the CPU, and the threads that make them."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from xpnet_kernels import _threads
from xpnet_kernels.mlp_epoch.job import MADE, STOP, Job
from xpnet_kernels.mlp_epoch.team import make_steps

POLL_SECONDS = 0.05
"""How often the calling thread asks whether to stop."""

UNINTERRUPTED = 0.05
"""Seconds below which the calling thread makes the steps itself, deaf to Ctrl-C meanwhile: the least of them
are made sooner than a thread has started."""

LEAST_RATE, LEAST_STEP = 5e8, 5e-6
"""What a slow processor does: multiplications, of a forward pass, in a second; seconds of a step besides."""


class Steps:
    """The steps of an epoch, made some at a time.

    Parameters
    ----------
    work, net, job, sizes
        What a thread does, with what, and the widths of the net.
    should_stop : callable, optional
    together : int, optional
        How many steps are a whole that is made by the same threads; the last one may be shorter.

    Attributes
    ----------
    made : int
        How many steps were made.
    """

    def __init__(
        self,
        work: Callable[..., None],
        net: Any,
        job: Job,
        sizes: Sequence[int],
        should_stop: Callable[[], bool] | None,
        together: int = 1,
    ) -> None:
        self.work, self.net, self.job, self.sizes, self._should_stop = work, net, job, sizes, should_stop
        self.made, self._together = 0, together
        self._multiplications = together * job.batch_size * sum(a * b for a, b in itertools.pairwise(sizes))
        self._wholes = -(-len(job.losses) // together)

    def make_all(self, most: int) -> None:
        """Make the steps with as many threads as the user has chosen, or as are fastest, up to `most`."""
        job = self.job
        if len(job.losses) == 0:
            self.work(0, 1, self.net, job)  # compiles
        elif most == 1:
            self.make(1, self._wholes)
        else:
            # What decides how long a step takes, and nothing that differs from one epoch to the next.
            types = job.losses.dtype, job.x.dtype
            like = tuple(self.sizes), job.batch_size, *types, job.kind, job.weight_decay != 0
            make_steps(self.make, most, self._wholes, self._multiplications, like)

    def make(self, workers: int, count: int) -> float:
        """Make the next `count` wholes with so many threads; return the seconds, infinite if told to stop."""
        steps = slice(self.made, min(self.made + count * self._together, len(self.job.losses)))
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
        least = count * (self._together * LEAST_STEP + self._multiplications / LEAST_RATE)
        if workers == 1 and least < UNINTERRUPTED:
            self.work(0, 1, self.net, part)
            made = int(part.flags[MADE])
        else:
            made = run(self.work, workers, self.net, part, self._should_stop)
        self.made += made
        return time.perf_counter() - started if made == steps.stop - steps.start else math.inf


def run(
    work: Callable[..., None], workers: int, net: Any, job: Job, should_stop: Callable[[], bool] | None
) -> int:
    """Run the workers in threads of their own, so that this one can be interrupted; return the steps made."""
    errors: list[BaseException] = []
    gate = threading.Lock()
    threads = [
        threading.Thread(target=_work_apart, args=(gate, errors, work, me, workers, net, job), daemon=True)
        for me in range(workers)
    ]
    with gate:
        threads = _started(threads, errors)
    try:
        # Of one that has ended, join returns at once: asked again and again it would keep the GIL busy.
        for thread in threads:
            while thread.is_alive():
                thread.join(POLL_SECONDS)
                if should_stop is not None and should_stop():
                    job.flags[STOP] = 1
    finally:
        job.flags[STOP] = 1
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
    return int(job.flags[MADE])


def _started(threads: list[threading.Thread], errors: list[BaseException]) -> list[threading.Thread]:
    """Start the threads; return those that could be, and note why no more could: the system has a limit."""
    for number, thread in enumerate(threads):
        try:
            thread.start()
        except BaseException as error:
            errors.append(error)
            return threads[:number]
    return threads


def _work_apart(
    gate: threading.Lock, errors: list[BaseException], work: Callable[..., None], me: int, *args: Any
) -> None:
    """Be a worker on a processor of its own from the start: waiting for each other on one, they crawl.

    None works before all are there: they would wait for one that cannot be started.
    """
    with gate:
        if errors:
            return
    try:
        _threads.spread(me)
        work(me, *args)
    except BaseException as error:
        errors.append(error)
