"""The ways that a backend has to compute an epoch: which of them apply, and which is the fastest."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from xpnet.nets._stack import ACTIVATIONS
from xpnet.optimizers import Optimizer
from xpnet.parameter import State
from xpnet.training._portions import Portion
from xpnet_kernels import Implementation, mlp_epoch
from xpnet_kernels._arrays import Array

if TYPE_CHECKING:
    from xpnet._backends import Backend
    from xpnet.nets import Sequential

_WORDS = {"graph": "compiled epochs, by CUDA graph", "persistent": "compiled epochs, by one kernel each"}
"""Variants of `mlp_epoch` where a backend has more than one."""

TRIAL_STEPS = 50
"""Steps that are timed where an epoch can be computed in more than one way."""


class EngineError(ValueError):
    """An engine was named that cannot train this net."""


def variants(backend: Backend) -> dict[str, Implementation]:
    """Return the ways that a backend has to compute an epoch, by name."""
    engine = backend.engines.get(backend.family)
    return {one.variant: one for one in mlp_epoch.implementations if one.engine == engine}


class _Kept(NamedTuple):
    """The parameters and the arrays that the optimizer keeps for them, and its state for each parameter."""

    arrays: list[Array]
    states: list[State]


class Ways:
    """The ways that apply to a net, its optimizer and its data.

    Parameters
    ----------
    net, optimizer, batch_size
        See `fit`.
    portion : Portion
        The first of the data, to compile for and to time.
    variant : str, optional
        The only one of the backend's `variants` to take.

    Attributes
    ----------
    candidates : list of Implementation
        Those that apply; after `choose` only the fastest.
    refusals : dict of str to str
        Why the others do not.

    Raises
    ------
    EngineError
        If the one to take does not apply; says why.
    """

    def __init__(
        self,
        net: Sequential,
        optimizer: Optimizer,
        batch_size: int,
        portion: Portion,
        variant: str | None = None,
    ) -> None:
        self.net, self.optimizer, self.batch_size, self._first = net, optimizer, batch_size, portion
        known, self.refusals = variants(net.backend), {}
        for name in known if variant is None else [variant]:
            obstacle = known[name].obstacle
            why = (
                None
                if obstacle is None
                else self._call(obstacle, portion, self._steps(portion), self._kept())
            )
            if why is not None:
                self.refusals[name] = why
        if variant in self.refusals:
            why = self.refusals[variant]
            raise EngineError(f"engine {variant!r} does not apply: {why}; use the engine 'auto' or 'layers'")
        names = known if variant is None else [variant]
        self.candidates = [known[name] for name in names if name not in self.refusals]

    @property
    def path(self) -> str:
        """How an epoch is computed, in words, and why not otherwise."""
        ways = " or ".join(_in_words(one) for one in self.candidates)
        refusals = "; ".join(f"not {name}: {why}" for name, why in self.refusals.items())
        return f"{ways} ({refusals})" if refusals else ways

    def choose(self) -> str | None:
        """Compile; of several ways keep the one that measures fastest, and return what to say of it."""
        portion = self._first
        if len(self.candidates) == 1:
            kept = self._kept()
            self._call(self.candidates[0].function, portion, 0, kept, out=kept.arrays)
            return None
        seconds = {one.variant: self._seconds(one, portion) for one in self.candidates}
        fastest = min(seconds, key=lambda name: seconds[name])
        self.candidates = [one for one in self.candidates if one.variant == fastest]
        portion.workspace.clear()
        times = ", ".join(f"{name} {1e3 * time:.3g} ms" for name, time in seconds.items())
        return f"{_in_words(self.candidates[0])}: the fastest here (an epoch by {times})"

    def _seconds(self, one: Implementation, portion: Portion) -> float:
        """Return how long a portion on copies of the parameters takes, judged by a short one and a step."""
        whole, times, kept = self._steps(portion), {}, self._kept()
        steps = min(whole, TRIAL_STEPS)
        for count in (1, steps):
            self._call(one.function, portion, count, kept)
            least = float("inf")
            for _ in range(3):
                started = time.perf_counter()
                losses, *_ = self._call(one.function, portion, count, kept)
                losses.tolist()
                least = min(least, time.perf_counter() - started)
            times[count] = least
        more = (times[steps] - times[1]) / max(steps - 1, 1)
        return times[1] + max(more, 0) * (whole - 1)

    def train(self, portion: Portion, should_stop: Callable[[], bool]) -> Array:
        """Train on a portion; return the losses of the steps made, on the device."""
        function, steps = self.candidates[0].function, self._steps(portion)
        kept = self._kept()
        into = {"out": kept.arrays, "should_stop": should_stop}
        losses: Array = self._call(function, portion, steps, kept, **into)[0]
        self.optimizer.count_updates(kept.states, len(losses))
        return losses

    def _steps(self, portion: Portion) -> int:
        return -(-int(portion.order.shape[0]) // self.batch_size)

    def _kept(self) -> _Kept:
        cells = self.net.params.cells.values()
        states = [self.optimizer.state_of(cell) for cell in cells]
        arrays = [cell.data for cell in cells]
        return _Kept(
            arrays + [state[name] for name in self.optimizer.state_names for state in states], states
        )

    def _call(
        self, function: Callable[..., Any], portion: Portion, steps: int, kept: _Kept, **more: Any
    ) -> Any:
        """Call a function that takes what `mlp_epoch` takes, for the optimizer's next steps."""
        layers = list(self.net.layers.values())
        return function(
            portion.x,
            portion.t,
            portion.order,
            *kept.arrays,
            activations=tuple(ACTIVATIONS[type(layer)] for layer in layers[1::2]),
            batch_size=self.batch_size,
            update=type(self.optimizer).operation.name,
            options=self.optimizer.options_ahead(steps, kept.states[0].steps),
            weight_decay=float(self.net.weight_decay_lambda),
            workspace=portion.workspace,
            **more,
        )


def _in_words(one: Implementation) -> str:
    """Say how an implementation computes an epoch, and where it may leave float32."""
    words = _WORDS.get(one.variant, "compiled epochs")
    if one.variant == "graph":
        from xpnet_kernels import _cublas  # for GPUs only

        words += ", wide float32 products in TF32" if _cublas.tf32() else ""
    return words
