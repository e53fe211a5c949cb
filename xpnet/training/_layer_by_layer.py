"""An epoch layer by layer: for any net and any layer a user writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet import random
from xpnet._backends import to_numpy
from xpnet._edge import check_samples, chunks, to_device, to_input
from xpnet.optimizers import Optimizer
from xpnet.training._announce import says_when_compiling
from xpnet_kernels._arrays import Array, namespace, take_rows

if TYPE_CHECKING:
    from xpnet.nets import Sequential


class LayerRun:
    """The data on the net's device, and the way through them.

    Parameters
    ----------
    net, x, t, batch_size, optimizer
        See `fit`.
    because : str, optional
        Why it is not compiled.

    Attributes
    ----------
    path : str
        How it computes, in words.
    steps : int
        Steps in an epoch.
    """

    def __init__(
        self,
        net: Sequential,
        x: Any,
        t: Any,
        batch_size: int,
        optimizer: Optimizer,
        because: str | None = None,
    ) -> None:
        self.path = f"layer by layer ({because})" if because else "layer by layer"
        self.net, self.optimizer, self.batch_size = net, optimizer, batch_size
        self.x, self.t = to_device(x, net.backend, net.dtype), net.target(t)
        self.samples = check_samples(self.x, self.t)
        self.steps = -(-self.samples // batch_size)
        self._checked = self._compiled = False

    def prepare(self, verbose: bool) -> None:
        """Do nothing: kernels are compiled by the first step, which says so if it takes long."""
        self._compiled = not verbose

    def epoch(self, should_stop: Callable[[], bool], bar: Any) -> list[float]:
        """Train on every sample once, or until told to stop; return the losses of the steps made."""
        losses: list[Array] = []
        params = self.net.params
        # An overflow ends in a loss of NaN, and that in a DivergedError that says what to do.
        with np.errstate(over="ignore", invalid="ignore"):
            for indices in self._batches():
                with self.net.one_at_a_time, nullcontext() if self._compiled else says_when_compiling(True):
                    losses.append(self._step(indices, params))
                self._compiled = True
                bar.update()
                if should_stop():
                    break
        return to_host(losses)

    def _batches(self) -> Iterator[Array]:
        order = self.net.backend.asarray(random.generator().permutation(self.samples))
        for chunk in chunks(self.samples, self.batch_size):
            yield order[chunk]

    def _step(self, indices: Array, params: Any) -> Array:
        net = self.net
        y = net.forward(to_input(take_rows(self.x, indices), net.dtype), training=True)
        if not self._checked:
            self.t = net.lastLayer.checked(self.t, y)
            self._checked = True
        loss = net.loss_of(y, take_rows(self.t, indices), validate=False)
        self.optimizer.update(params, net.backward())
        return loss


def to_host(losses: list[Array]) -> list[float]:
    """Bring losses from the device in one transfer."""
    if not losses:
        return []
    if isinstance(losses[0], np.generic):
        return [float(loss) for loss in losses]
    return [float(loss) for loss in to_numpy(namespace(losses[0]).stack(losses))]
