"""An epoch as one compiled operation: for a stack of Affine and activations that ends in softmax loss."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet import random
from xpnet.layers import SoftmaxWithLoss
from xpnet.nets._stack import ACTIVATIONS, stack_obstacle
from xpnet.optimizers import BUILT_IN, Optimizer
from xpnet.training._announce import says_when_compiling
from xpnet.training._data import data_memory, place_data, step_memory
from xpnet.training._portions import Portion
from xpnet_kernels import mlp_epoch
from xpnet_kernels._arrays import Array, namespace

if TYPE_CHECKING:
    from xpnet.nets import Sequential


def obstacle(net: Sequential, optimizer: Optimizer) -> str | None:
    """Return why an epoch of this net cannot be compiled, or None if it can."""
    found = stack_obstacle(net, mlp_epoch, "epoch", ("forward", "loss_of", "backward"))
    if found is not None:
        return found
    if type(net.lastLayer) is not SoftmaxWithLoss:
        return f"the loss is {type(net.lastLayer).__name__}"
    if type(optimizer) not in BUILT_IN:
        return f"the optimizer {type(optimizer).__name__} is not built in"
    return None


class CompiledRun:
    """The data on the net's device, and the compiled way through them.

    Parameters
    ----------
    net, x, t, batch_size, optimizer
        See `fit`; `obstacle(net, optimizer)` must be None.

    Attributes
    ----------
    path : str
        How it computes, in words.
    steps : int
        Steps in an epoch.
    data : Resident or Streamed
    """

    path = "compiled epochs"

    def __init__(
        self,
        net: Sequential,
        x: Any,
        t: Any,
        batch_size: int,
        optimizer: Optimizer,
        stream: bool | None = None,
    ) -> None:
        self.net, self.optimizer, self.batch_size = net, optimizer, batch_size
        data = self.data = place_data(net, x, t, batch_size, stream)
        self.samples = int(data.x.shape[0])
        self.steps = -(-self.samples // batch_size)
        with data_memory(self):
            # One sample through the layers: says what does not fit, and how many classes there are.
            y = net.forward(net.input(data.x[:1, ...]), training=False)
            data.x = namespace(data.x).reshape(data.x, (self.samples, -1))
            data.t = net.lastLayer.checked(data.t, y)
            data.reserve()
        self._epochs = 0

    def prepare(self, verbose: bool) -> None:
        """Compile for these types, by an epoch of no steps."""
        with says_when_compiling(verbose), data_memory(self):
            self._run(self.data.nothing(), lambda: False)

    def epoch(self, should_stop: Callable[[], bool], bar: Any) -> list[float]:
        """Train on every sample once, or until told to stop; return the losses of the steps made."""
        losses: list[Array] = []
        self._epochs += 1
        portions = closing(self.data.portions(random.generator().permutation(self.samples)))
        memory = step_memory(self, lambda: f"epoch {self._epochs} after step {sum(map(len, losses))}")
        with self.net.one_at_a_time, np.errstate(over="ignore", invalid="ignore"), memory, portions as each:
            for portion in each:
                losses.append(self._run(portion, should_stop))
                bar.update(len(losses[-1]))
                if should_stop():
                    break
            # Read at the end: the device goes on to the next portion while the host prepares the one after.
            return [loss for made in losses for loss in made.tolist()]

    def _run(self, portion: Portion, should_stop: Callable[[], bool]) -> Array:
        steps = -(-portion.order.shape[0] // self.batch_size)
        layers, before = list(self.net.layers.values()), self.optimizer.steps
        cells = self.net.params.cells.values()
        kept = [self.optimizer.state_of(cell) for cell in cells]
        arrays = [cell.data for cell in cells]
        arrays += [state[name] for name in self.optimizer.state_names for state in kept]
        made = 0
        try:
            losses, *_ = mlp_epoch(
                portion.x,
                portion.t,
                portion.order,
                *arrays,
                activations=tuple(ACTIVATIONS[type(layer)] for layer in layers[1::2]),
                batch_size=self.batch_size,
                update=type(self.optimizer).operation.name,
                options=self.optimizer.options_ahead(steps),
                weight_decay=self.net.weight_decay_lambda,
                should_stop=should_stop,
                out=arrays,
                workspace=portion.workspace,
            )
            made = len(losses)
        finally:
            self.optimizer.steps = before + made
        return losses
