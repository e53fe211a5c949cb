"""An epoch as one compiled operation: for a stack of Affine and activations that ends in softmax loss."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet.layers import SoftmaxWithLoss
from xpnet.nets._stack import stack_obstacle
from xpnet.optimizers import BUILT_IN, Optimizer
from xpnet.training._announce import say, says_when_compiling
from xpnet.training._data import data_memory, place_data, step_memory
from xpnet.training._order import Orders
from xpnet.training._ways import EngineError, Ways
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
    if optimizer.counts and len(optimizer.steps_of(net.params.cells.values())) > 1:
        return "its parameters have had different numbers of updates by this optimizer"
    if net.dtype not in (np.dtype("float32"), np.dtype("float64")):
        return f"the net is {net.dtype}, not float32 or float64"
    return None


class CompiledRun:
    """The data where they are kept, and the compiled way through them.

    Parameters
    ----------
    net, x, t, batch_size, optimizer, stream
        See `fit`; `obstacle(net, optimizer)` must be None.
    variant : str, optional
        Which of the backend's ways to take; by default, of those that apply, the fastest as measured.

    Attributes
    ----------
    path : str
        How it computes, in words.
    steps : int
        Steps in an epoch.
    data : Resident or Streamed

    Raises
    ------
    ValueError
        If the data do not fit the net or each other.
    EngineError
        If the variant cannot compute such an epoch; says why.
    """

    def __init__(
        self,
        net: Sequential,
        x: Any,
        t: Any,
        batch_size: int,
        optimizer: Optimizer,
        stream: bool | None = None,
        variant: str | None = None,
    ) -> None:
        self.net, self.optimizer, self.batch_size = net, optimizer, batch_size
        data = self.data = place_data(net, x, t, batch_size, stream)
        self.samples = int(data.x.shape[0])
        self.steps = -(-self.samples // batch_size)
        with data_memory(self):
            # No sample through the layers: says what does not fit, and how many classes there are. One would
            # wake the threads of BLAS, which then keep the processors busy for some hundredths of a second.
            with net.one_at_a_time:
                y = net.forward(net.input(data.x[:0, ...]), training=False)
            data.x = namespace(data.x).reshape(data.x, (self.samples, -1))
            data.t = net.lastLayer.checked(data.t, y)
            data.reserve()
            self._ways = Ways(net, optimizer, batch_size, data.first(), variant)
        self._orders, self._epochs = Orders(self.samples), 0
        self._made_for = self._description()

    @property
    def path(self) -> str:
        """How it computes, in words, and why not otherwise."""
        return self._ways.path

    def prepare(self, verbose: bool) -> None:
        """Compile for these types; where there are several ways, take the one that measures fastest."""
        with says_when_compiling(verbose), data_memory(self):
            said = self._ways.choose()
        if verbose and said is not None:
            say(said)

    def epoch(self, should_stop: Callable[[], bool], bar: Any) -> list[float]:
        """Train on every sample once, or until told to stop; return the losses of the steps made."""
        self._check_unchanged()
        losses: list[Array] = []
        self._epochs += 1
        portions = closing(self.data.portions(self._orders.next()))
        if self.net.backend.asynchronous:
            self._orders.draw_ahead()
        memory = step_memory(self, lambda: f"epoch {self._epochs} after step {sum(map(len, losses))}")
        with self.net.one_at_a_time, np.errstate(over="ignore", invalid="ignore"), memory, portions as each:
            for portion in each:
                losses.append(self._ways.train(portion, should_stop))
                bar.update(len(losses[-1]))
                if should_stop():
                    break
            # Read at the end: the device goes on to the next portion while the host prepares the one after.
            return [loss for made in losses for loss in made.tolist()]

    def _description(self) -> tuple[Any, ...]:
        layers, cells = self.net.layers.values(), self.net.params.cells.values()
        return self.net.dtype, [type(layer) for layer in layers], [cell.data.shape for cell in cells]

    def _check_unchanged(self) -> None:
        """Raise EngineError if somebody, in `on_epoch` say, made another net of the one that was compiled."""
        why = obstacle(self.net, self.optimizer)
        if why is not None or self._description() != self._made_for:
            raise EngineError(
                f"the net was changed while fit trained it ({why or 'other layers, shapes or dtype'}); call "
                "fit again, or use the engine 'layers', which follows such changes"
            )
