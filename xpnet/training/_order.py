"""The order of the next epoch, drawn while a device computes this one."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from xpnet import random

Order = np.ndarray[Any, Any]


class Orders:
    """Draws a new order of the samples for each epoch, from xpnet's generator.

    Drawing that of MNIST takes the host as long as a quick GPU takes for part of an epoch, so it may be done
    ahead, by a thread with a generator in the same state. xpnet's own stays as it was; the epoch that takes
    the order then moves it on. If something else has drawn meanwhile, a new order is drawn: so the numbers
    are those of a run that never drew ahead.

    Parameters
    ----------
    samples : int
    """

    def __init__(self, samples: int) -> None:
        self._samples = samples
        self._ahead: tuple[Any, Future[tuple[Order, Any]]] | None = None
        self._twin = np.random.default_rng(0)
        self._thread: ThreadPoolExecutor | None = None

    def next(self) -> Order:
        """Return the order of an epoch that begins now, array (samples,), int64."""
        generator, ahead, self._ahead = random.generator(), self._ahead, None
        if ahead is not None and ahead[0] == generator.bit_generator.state:
            order, generator.bit_generator.state = ahead[1].result()
            return order
        return generator.permutation(self._samples)

    def draw_ahead(self) -> None:
        """Have the order of the epoch after this one drawn; do not wait for it."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="xpnet-order")
        before = random.generator().bit_generator.state
        self._ahead = before, self._thread.submit(self._drawn, before)

    def _drawn(self, before: Any) -> tuple[Order, Any]:
        """Return the order that a generator in this state draws, and its state then."""
        self._twin.bit_generator.state = before
        return self._twin.permutation(self._samples), self._twin.bit_generator.state
