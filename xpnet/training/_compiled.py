"""An epoch as one compiled operation: for a stack of Affine and activations that ends in softmax loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet import random
from xpnet._edge import check_samples, to_device, to_input
from xpnet.layers import SoftmaxWithLoss
from xpnet.nets._stack import ACTIVATIONS, stack_obstacle
from xpnet.optimizers import BUILT_IN, Optimizer
from xpnet.training._announce import says_when_compiling
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
    """

    path = "compiled epochs"

    def __init__(self, net: Sequential, x: Any, t: Any, batch_size: int, optimizer: Optimizer) -> None:
        self.net, self.optimizer, self.batch_size = net, optimizer, batch_size
        x, t = to_device(x, net.backend, net.dtype), net.target(t)
        self.samples = check_samples(x, t)
        self.steps = -(-self.samples // batch_size)
        # One sample through the layers: says what does not fit, and how many classes there are.
        y = net.forward(to_input(x[:1, ...], net.dtype), training=False)
        self.x, self.t = namespace(x).reshape(x, (self.samples, -1)), net.lastLayer.checked(t, y)

    def prepare(self, verbose: bool) -> None:
        """Compile for these types, by an epoch of no steps."""
        with says_when_compiling(verbose):
            self._run(self.net.backend.asarray([], "int64"), 0, lambda: False)

    def epoch(self, should_stop: Callable[[], bool], bar: Any) -> list[float]:
        """Train on every sample once, or until told to stop; return the losses of the steps made."""
        order = self.net.backend.asarray(random.generator().permutation(self.samples))
        with self.net.one_at_a_time, np.errstate(over="ignore", invalid="ignore"):
            losses = self._run(order, self.steps, should_stop)
        bar.update(len(losses))
        return losses

    def _run(self, order: Array, steps: int, should_stop: Callable[[], bool]) -> list[float]:
        layers, before = list(self.net.layers.values()), self.optimizer.steps
        cells = self.net.params.cells.values()
        kept = [self.optimizer.state_of(cell) for cell in cells]
        arrays = [cell.data for cell in cells]
        arrays += [state[name] for name in self.optimizer.state_names for state in kept]
        losses, *_ = mlp_epoch(
            self.x,
            self.t,
            order,
            *arrays,
            activations=tuple(ACTIVATIONS[type(layer)] for layer in layers[1::2]),
            batch_size=self.batch_size,
            update=type(self.optimizer).operation.name,
            options=self.optimizer.options_ahead(steps),
            weight_decay=self.net.weight_decay_lambda,
            should_stop=should_stop,
            out=arrays,
        )
        self.optimizer.steps = before + len(losses)
        made: list[float] = losses.tolist()
        return made
