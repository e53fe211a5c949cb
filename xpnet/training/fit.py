"""The training loop, layer by layer: for any net and any layer a user writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet import random
from xpnet._backends import to_numpy
from xpnet._edge import check_samples, chunks, to_device, to_input
from xpnet.optimizers import SGD, Optimizer, by_name
from xpnet.training._announce import progress_bar, say, says_when_compiling, where_it_runs
from xpnet.training._interrupt import Interrupt
from xpnet.training.history import Epoch, History
from xpnet_kernels import _dispatch
from xpnet_kernels._arrays import Array, namespace

if TYPE_CHECKING:
    from xpnet.nets.sequential import Sequential


class DivergedError(ArithmeticError):
    """The loss became NaN while training."""


def fit(
    net: Sequential,
    x: Any,
    t: Any,
    *,
    epochs: int = 1,
    batch_size: int = 100,
    optimizer: Optimizer | str | None = None,
    validation: tuple[Any, Any] | None = None,
    seed: int | None = None,
    verbose: bool = True,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> History:
    """Train a net on a data set, visiting all samples in a new random order each epoch.

    Ctrl-C ends the run after the step in hand; the net keeps what it has learned.

    Parameters
    ----------
    net : Sequential
    x : array (N, D), or (N, ...)
        uint8 is taken as pixels and scaled to 0..1; anything else is converted to the net's dtype.
    t : array (N,) of class indices, (N, C) one-hot, or what the net's loss takes
    epochs : int, optional
        How often to visit all samples.
    batch_size : int, optional
        The last batch of an epoch may be smaller.
    optimizer : Optimizer or str, optional
        An optimizer, or a name such as `"adam"` for one with its own learning rate; `SGD(lr=0.1)` by default.
    validation : (x, t), optional
        Data whose accuracy is measured after each epoch.
    seed : int, optional
        Of batch order and dropout masks; the same seed gives the same on every backend. By default they come
        from xpnet's generator (`xpnet.seed`).
    verbose : bool, optional
        Whether to say where it runs and draw a progress bar, on stderr.
    on_epoch : callable, optional
        Called with an `Epoch` after each.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If the data do not fit the net or each other, or an option is out of range; the net is as before.
    DivergedError
        If the loss became NaN; says at which step.
    """
    check_counts(epochs=epochs, batch_size=batch_size)
    run = _Run(net, x, t, batch_size, chosen_optimizer(optimizer))
    history = History()
    if verbose:
        say(where_it_runs(net))
    bar = progress_bar(epochs * run.steps, verbose)
    with _dispatch.serving(net.backend.engines), random.seeded(seed), Interrupt() as interrupt, bar:
        run.first_step_says_compiling = verbose
        for number in range(1, epochs + 1):
            started = time.perf_counter()
            losses = run.epoch(interrupt, bar)
            seconds = time.perf_counter() - started
            history.loss += losses
            check_not_diverged(losses, number)
            if len(losses) == run.steps:
                history.epochs.append(_measured(net, run, number, losses, seconds, validation))
                bar.set_postfix_str(str(history.epochs[-1]), refresh=False)
                if on_epoch is not None:
                    on_epoch(history.epochs[-1])
            if interrupt.requested:
                history.interrupted = True
                break
    if history.interrupted and verbose:
        say(f"interrupted in epoch {number}; the net keeps what it has learned")
    return history


class _Run:
    """The data on the net's device, and the way through them."""

    def __init__(self, net: Sequential, x: Any, t: Any, batch_size: int, optimizer: Optimizer) -> None:
        self.net, self.optimizer, self.batch_size = net, optimizer, batch_size
        self.x, self.t = to_device(x, net.backend, net.dtype), net.target(t)
        self.samples = check_samples(self.x, self.t)
        self.steps = -(-self.samples // batch_size)
        self.first_step_says_compiling = False
        self._checked = False

    def epoch(self, interrupt: Interrupt, bar: Any) -> list[float]:
        """Train on every sample once, or until interrupted; return the losses of the steps made."""
        losses: list[Array] = []
        params = self.net.params
        for indices in self._batches():
            with says_when_compiling(self.first_step_says_compiling):
                losses.append(self._step(indices, params))
            self.first_step_says_compiling = False
            bar.update()
            if interrupt.requested:
                break
        return to_host(losses)

    def _batches(self) -> Iterator[Array]:
        order = self.net.backend.asarray(random.generator().permutation(self.samples))
        for chunk in chunks(self.samples, self.batch_size):
            yield order[chunk]

    def _step(self, indices: Array, params: Any) -> Array:
        net, xp = self.net, namespace(self.x)
        y = net.forward(to_input(xp.take(self.x, indices, axis=0), net.dtype), training=True)
        if not self._checked:
            self.t = net.lastLayer.checked(self.t, y)
            self._checked = True
        loss = net.loss_of(y, xp.take(self.t, indices, axis=0), validate=False)
        self.optimizer.update(params, net.backward())
        return loss


def to_host(losses: list[Array]) -> list[float]:
    """Bring losses from the device in one transfer."""
    if not losses:
        return []
    if isinstance(losses[0], np.generic):
        return [float(loss) for loss in losses]
    return [float(loss) for loss in to_numpy(namespace(losses[0]).stack(losses))]


def _measured(
    net: Sequential, run: _Run, number: int, losses: list[float], seconds: float, validation: Any
) -> Epoch:
    train = test = None
    if net.lastLayer.classifies:
        train = net.accuracy(run.x, run.t)
        test = net.accuracy(*validation) if validation is not None else None
    return Epoch(number, float(np.mean(losses)), train, test, seconds)


def chosen_optimizer(optimizer: Optimizer | str | None) -> Optimizer:
    """Return the optimizer that a user's choice means.

    Raises
    ------
    ValueError
        If a name is unknown.
    TypeError
        If it is neither an optimizer nor a name.
    """
    if optimizer is None:
        return SGD(lr=0.1)
    if isinstance(optimizer, str):
        return by_name(optimizer)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an Optimizer or a name, got {optimizer!r}; e.g. SGD(lr=0.1)")
    return optimizer


def check_counts(**values: Any) -> None:
    """Raise ValueError unless every value is a whole number above 0."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} is {value!r}; it must be a whole number above 0")


def check_not_diverged(losses: list[float], epoch: int) -> None:
    """Raise DivergedError if a loss is NaN."""
    for step, loss in enumerate(losses, start=1):
        if loss != loss:
            raise DivergedError(
                f"the loss became NaN at step {step} of epoch {epoch}; lower the learning rate, and check "
                "that the inputs are scaled (0..1) and hold no NaN"
            )
