"""The order of the next epoch, drawn while a device still computes this one."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet import random

Order = np.ndarray[Any, Any]


class Orders:
    """Draws a new order of the samples for each epoch, from xpnet's generator.

    Drawing that of MNIST takes the host as long as a quick GPU takes for part of an epoch. An order drawn
    ahead leaves the generator as it was; the epoch that takes it then moves the generator on. If something
    else has drawn meanwhile, a new order is drawn: so the numbers are those of a run that never drew ahead.

    Parameters
    ----------
    samples : int
    """

    def __init__(self, samples: int) -> None:
        self._samples = samples
        self._ahead: tuple[Any, Order, Any] | None = None

    def next(self) -> Order:
        """Return the order of an epoch that begins now, array (samples,), int64."""
        generator, ahead, self._ahead = random.generator(), self._ahead, None
        if ahead is not None and ahead[0] == generator.bit_generator.state:
            generator.bit_generator.state = ahead[2]
            return ahead[1]
        return generator.permutation(self._samples)

    def draw_ahead(self) -> None:
        """Draw the order of the epoch after this one."""
        generator = random.generator()
        before = generator.bit_generator.state
        order = generator.permutation(self._samples)
        self._ahead = before, order, generator.bit_generator.state
        generator.bit_generator.state = before
