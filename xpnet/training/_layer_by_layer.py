"""An epoch layer by layer: for any net and any layer a user writes."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet import random
from xpnet._backends import to_numpy
from xpnet._edge import chunks, to_input
from xpnet.optimizers import Optimizer
from xpnet.training._announce import says_when_compiling
from xpnet.training._data import data_memory, place_data, step_memory
from xpnet.training._portions import Portion
from xpnet.training._registered import arrays_held, check_registered
from xpnet_kernels._arrays import Array, namespace, take_rows

if TYPE_CHECKING:
    from xpnet.nets import Sequential


MAPPED_ONCE = 1 << 24
"""Bytes; half of what glibc then keeps at most."""


class LayerRun:
    """The data on the net's device, and the way through them.

    Parameters
    ----------
    net, x, t, batch_size, optimizer, stream
        See `fit`.
    because : str, optional
        Why it is not compiled.

    Attributes
    ----------
    path : str
        How it computes, in words.
    steps : int
        Steps in an epoch.
    data : Resident or Streamed
    """

    def __init__(
        self,
        net: Sequential,
        x: Any,
        t: Any,
        batch_size: int,
        optimizer: Optimizer,
        stream: bool | None = None,
        because: str | None = None,
    ) -> None:
        self.path = f"layer by layer ({because})" if because else "layer by layer"
        self.net, self.optimizer, self.batch_size = net, optimizer, batch_size
        self.data = place_data(net, x, t, batch_size, stream)
        with data_memory(self):
            self.data.reserve()
        self.samples = int(self.data.x.shape[0])
        self.steps = -(-self.samples // batch_size)
        self._checked = self._quiet = False
        self._epochs = 0
        if self.net.backend.family == "numpy":
            keep_freed_memory()

    def prepare(self, verbose: bool) -> None:
        """Do nothing: kernels are compiled by the first step, which says so if it takes long."""
        self._quiet = not verbose

    def epoch(self, should_stop: Callable[[], bool], bar: Any) -> list[float]:
        """Train on every sample once, or until told to stop; return the losses of the steps made."""
        losses: list[Array] = []
        params = self.net.params
        self._epochs += 1
        memory = step_memory(self, lambda: f"step {len(losses) + 1} of epoch {self._epochs}")
        # An overflow ends in a loss of NaN, and that in a DivergedError that says what to do.
        with np.errstate(over="ignore", invalid="ignore"), memory, closing(self._batches()) as batches:
            for portion, indices in batches:
                with self.net.one_at_a_time, nullcontext() if self._quiet else says_when_compiling(True):
                    losses.append(self._step(portion, indices, params))
                self._quiet = True  # the first step has compiled
                bar.update()
                if should_stop():
                    break
            return to_host(losses)

    def _batches(self) -> Generator[tuple[Portion, Array], None, None]:
        with closing(self.data.portions(random.generator().permutation(self.samples))) as portions:
            for portion in portions:
                for chunk in chunks(portion.order.shape[0], self.batch_size):
                    yield portion, portion.order[chunk]

    def _step(self, portion: Portion, indices: Array, params: Any) -> Array:
        net = self.net
        held = {} if self._checked else arrays_held(net.layers)
        y = net.forward(to_input(take_rows(portion.x, indices), net.dtype), training=True)
        if not self._checked:
            self._check_targets(portion, y)
        loss = net.loss_of(y, take_rows(portion.t, indices), validate=False)
        grads = net.backward()
        if held:
            check_registered(net.layers, held)
        self.optimizer.update(params, grads)
        return loss

    def _check_targets(self, portion: Portion, y: Array) -> None:
        t = self.net.lastLayer.checked(self.data.t, y)
        if portion.t is self.data.t:  # all of them: no step need convert its own again
            self.data.t = portion.t = t
        self._checked = True


def keep_freed_memory() -> None:
    """Have the C library keep what a step frees, so that the next step takes the same memory again.

    glibc returns the free end of its heap to the system once it is longer than twice the largest block that
    was ever mapped and freed; the system then clears every page anew, 40 of them in each step of 784-50-10 at
    batch 100. A large block, never written to, is enough. It holds for the whole process, which may keep
    32 MiB from then on.

    Arrays that the operations kept for their results would end the clearing too, but take up more of the
    caches than memory that was just freed, which the next operation takes while it is there.
    """
    np.empty(MAPPED_ONCE, dtype=np.uint8)


def to_host(losses: list[Array]) -> list[float]:
    """Bring losses from the device in one transfer."""
    if not losses:
        return []
    if isinstance(losses[0], np.generic):
        return [float(loss) for loss in losses]
    return [float(loss) for loss in to_numpy(namespace(losses[0]).stack(losses))]
