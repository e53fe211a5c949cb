"""An epoch as one compiled operation: for a stack of Affine and activations that ends in softmax loss."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet import random
from xpnet._edge import check_samples, to_device, to_input
from xpnet.layers import SoftmaxWithLoss
from xpnet.nets._stack import ACTIVATIONS, stack_obstacle
from xpnet.optimizers import BUILT_IN, Optimizer
from xpnet.training._announce import say, says_when_compiling
from xpnet_kernels import Implementation, mlp_epoch
from xpnet_kernels._arrays import Array, namespace

if TYPE_CHECKING:
    from xpnet._backends import Backend
    from xpnet.nets import Sequential

PATHS = {
    "kernel": "compiled epochs",
    "graph": "compiled epochs, by CUDA graph",
    "persistent": "compiled epochs, by one kernel each",
}
"""The variants of `mlp_epoch` in words."""

TRIAL_STEPS = 50
"""Steps that are timed where an epoch can be computed in more than one way."""


def obstacle(net: Sequential, optimizer: Optimizer) -> str | None:
    """Return why an epoch of this net cannot be compiled, or None if it can."""
    found = stack_obstacle(net, mlp_epoch, "epoch", ("forward", "loss_of", "backward"))
    if found is not None:
        return found
    if type(net.lastLayer) is not SoftmaxWithLoss:
        return f"the loss is {type(net.lastLayer).__name__}"
    if type(optimizer) not in BUILT_IN:
        return f"the optimizer {type(optimizer).__name__} is not built in"
    if net.dtype not in (np.dtype("float32"), np.dtype("float64")):
        return f"the net is {net.dtype}, not float32 or float64"
    return None


def variants(backend: Backend) -> dict[str, Implementation]:
    """Return the ways that a backend has to compute an epoch, by name."""
    engine = backend.engines.get(backend.family)
    return {one.variant: one for one in mlp_epoch.implementations if one.engine == engine}


def _precision(one: Implementation) -> str:
    """Say where an implementation may leave float32."""
    if one.variant != "graph":
        return ""
    from xpnet_kernels import _cublas  # for GPUs only

    return ", wide float32 products in TF32" if _cublas.tf32() else ""


class EngineError(ValueError):
    """An engine was named that cannot train this net."""


class CompiledRun:
    """The data on the net's device, and the compiled way through them.

    Parameters
    ----------
    net, x, t, batch_size, optimizer
        See `fit`; `obstacle(net, optimizer)` must be None.
    variant : str, optional
        Which of the backend's `variants` to take; by default, of those that apply, the fastest as measured.

    Attributes
    ----------
    steps : int
        Steps in an epoch.

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
        variant: str | None = None,
    ) -> None:
        self.net, self.optimizer, self.batch_size = net, optimizer, batch_size
        x, t = to_device(x, net.backend, net.dtype), net.target(t)
        self.samples = check_samples(x, t)
        self.steps = -(-self.samples // batch_size)
        # One sample through the layers: says what does not fit, and how many classes there are.
        y = net.forward(to_input(x[:1, ...], net.dtype), training=False)
        self.x, self.t = namespace(x).reshape(x, (self.samples, -1)), net.lastLayer.checked(t, y)
        self._workspace: dict[str, Any] = {}
        self._candidates, self._refusals = self._applying(variant)

    def _applying(self, variant: str | None) -> tuple[list[Implementation], dict[str, str]]:
        """Return the implementations that can compute the epoch, and why the others cannot."""
        known, order = variants(self.net.backend), namespace(self.x).arange(self.samples)
        refusals = {}
        for name, one in known.items():
            if one.obstacle is not None and (why := self._call(one.obstacle, order, self.steps)) is not None:
                refusals[name] = why
        if variant in refusals:
            raise EngineError(
                f"engine {variant!r} does not apply: {refusals[variant]}; use engine='auto' or 'layers'"
            )
        names = [variant] if variant is not None else [name for name in known if name not in refusals]
        return [known[name] for name in names], {} if variant is not None else refusals

    @property
    def path(self) -> str:
        """How it computes, in words, and why not otherwise."""
        ways = " or ".join(PATHS[one.variant] + _precision(one) for one in self._candidates)
        refusals = "; ".join(f"not {name}: {why}" for name, why in self._refusals.items())
        return f"{ways} ({refusals})" if refusals else ways

    def prepare(self, verbose: bool) -> None:
        """Compile for these types; where there are several ways, time each and take the fastest."""
        order = namespace(self.x).arange(self.samples)
        with says_when_compiling(verbose):
            if len(self._candidates) == 1:
                self._call(self._candidates[0].function, order, 0)
                return
            seconds = {one.variant: self._seconds(one, order) for one in self._candidates}
        fastest = min(seconds, key=lambda name: seconds[name])
        self._candidates = [one for one in self._candidates if one.variant == fastest]
        self._workspace.clear()
        if verbose:
            times = ", ".join(f"{name} {1e3 * time:.3g} ms" for name, time in seconds.items())
            say(f"{PATHS[fastest]}: the fastest here (an epoch by {times})")

    def _seconds(self, one: Implementation, order: Array) -> float:
        """Return how long an epoch on copies of the parameters takes, judged by a short one and a step."""
        steps, times = min(self.steps, TRIAL_STEPS), {}
        for count in (1, steps):
            self._call(one.function, order, count)
            least = float("inf")
            for _ in range(3):
                started = time.perf_counter()
                losses, *_ = self._call(one.function, order, count)
                losses.tolist()
                least = min(least, time.perf_counter() - started)
            times[count] = least
        more = (times[steps] - times[1]) / max(steps - 1, 1)
        return times[1] + max(more, 0) * (self.steps - 1)

    def epoch(self, should_stop: Callable[[], bool], bar: Any) -> list[float]:
        """Train on every sample once, or until told to stop; return the losses of the steps made."""
        order = self.net.backend.asarray(random.generator().permutation(self.samples))
        with self.net.one_at_a_time, np.errstate(over="ignore", invalid="ignore"):
            function = self._candidates[0].function
            made, *_ = self._call(function, order, self.steps, should_stop=should_stop, out=self._arrays())
            losses: list[float] = made.tolist()
            self.optimizer.steps += len(losses)
        bar.update(len(losses))
        return losses

    def _arrays(self) -> list[Array]:
        """Return the parameters, and what the optimizer keeps for them."""
        cells = self.net.params.cells.values()
        kept = [self.optimizer.state_of(cell) for cell in cells]
        arrays = [cell.data for cell in cells]
        return arrays + [state[name] for name in self.optimizer.state_names for state in kept]

    def _call(self, function: Callable[..., Any], order: Array, steps: int, **more: Any) -> Any:
        """Call a function that takes what `mlp_epoch` takes, for the optimizer's next steps."""
        layers, before = list(self.net.layers.values()), self.optimizer.steps
        options = self.optimizer.options_ahead(steps)
        self.optimizer.steps = before  # how many of them are made is seen afterwards
        return function(
            self.x,
            self.t,
            order,
            *more.get("out") or self._arrays(),
            activations=tuple(ACTIVATIONS[type(layer)] for layer in layers[1::2]),
            batch_size=self.batch_size,
            update=type(self.optimizer).operation.name,
            options=options,
            weight_decay=self.net.weight_decay_lambda,
            workspace=self._workspace,
            **more,
        )
