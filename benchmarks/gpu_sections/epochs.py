"""Epochs of each way of xpnet, by the device's events and by the clock: called directly, and by `fit`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import xpnet
from gpu_sections import ways
from gpu_sections.bench import Bench, say
from xpnet.bench.case import Case, accuracy
from xpnet.bench.contestant import Contestant, DoesNotApplyError

FITS = (
    ("xpnet persistent", "numba-cuda", "persistent"),
    ("xpnet graph", "numba-cuda", "graph"),
    ("xpnet numba-cuda, layer by layer", "numba-cuda", "layers"),
    ("xpnet cupy, layer by layer", "cupy", "layers"),
    ("xpnet on the CPU", "numba", "compiled"),
)
"""Label, backend and engine of each way to call `fit`."""


def run(bench: Bench, nets: Sequence[str], tf32: bool = False, fit: bool = False) -> None:
    """Time the epochs of these nets; with `fit`, those of `fit` as well, and its accuracy."""
    for net in nets:
        case = bench.case(net, tf32)
        for entry in ways.alone(bench, tf32):
            with bench.attempt("epochs", label=entry.label, net=net, tf32=tf32):
                if (why := ways.left_out(bench, entry)) is not None:
                    raise RuntimeError(why)
                say(f"{case}: {entry.label}")
                try:
                    bench.record("epochs", label=entry.label, net=net, tf32=tf32, **timed(bench, case, entry))
                except DoesNotApplyError as error:
                    bench.record("does not apply", label=entry.label, net=net, tf32=tf32, why=str(error))
        for label, backend, engine in FITS if fit else ():
            with bench.attempt("fit", label=label, net=net):
                if label.startswith(ways.PERSISTENT) and (why := bench.waits_for_ever) is not None:
                    raise RuntimeError(why)
                say(f"{case}: fit, {label}")
                bench.record("fit", label=label, net=net, **fitted(bench, case, backend, engine))


def timed(bench: Bench, case: Case, entry: Any) -> dict[str, Any]:
    """Return the times of whole epochs, each in a fresh order that was drawn before."""
    contestant = ways.made(entry)
    contestant.prepare(case, bench.data, case.weights())
    samples = len(bench.data.x)
    # What goes layer by layer takes the host's time for every launch, and has no start that returns at once.
    epochs = bench.plan.epochs if hasattr(contestant, "start") else bench.plan.slow_epochs
    turns = iter([(number, case.order(number, samples)) for number in range(epochs + 2)])
    start, finish = _parts(contestant)
    losses: list[float] = []

    def finished(result: Any) -> None:
        losses.append(float(np.mean(finish(result))))

    taken = bench.device.samples(lambda: start(*next(turns)), epochs, finished)
    weights = contestant.weights()
    return {
        **taken,
        "steps": case.steps(samples),
        "mean_losses": losses,
        "accuracy": accuracy(weights, bench.data.x_test, bench.data.t_test),
        "facts": contestant.facts(),
    }


def _parts(contestant: Contestant) -> tuple[Callable[..., Any], Callable[[Any], Any]]:
    """Return what asks for an epoch, and what brings its losses to the host.

    Layer by layer one call does both, so that what the device's events time contains the second.
    """
    start = getattr(contestant, "start", None)
    if start is not None:
        return lambda number, order: start(order), contestant.fetch
    return contestant.epoch, lambda losses: losses


class _Unmeasured(xpnet.nets.MultiLayerNet):
    """A net whose accuracy `fit` does not measure between the epochs."""

    def accuracy(self, x: Any, t: Any) -> float:
        """Return NaN."""
        return math.nan


def fitted(
    bench: Bench, case: Case, backend: str, engine: str, x: Any = None, stream: bool | None = None
) -> dict[str, Any]:
    """Return the seconds of `fit`'s epochs, the first of which holds what is made ready, and the accuracy.

    The order of each epoch is drawn within its time, by `fit`, from the same seed in all ways. `x` takes the
    place of the bench's float32 samples.
    """
    if bench.plan.dry:
        backend, engine = "numba", {"layers": "layers"}.get(engine, "compiled")
    net = _Unmeasured(case.sizes[0], case.sizes[1:-1], case.sizes[-1], seed=case.seed)
    history = net.fit(
        bench.data.x if x is None else x,
        bench.data.t,
        epochs=1 + (bench.plan.slow_epochs if engine == "layers" else bench.plan.epochs),
        batch_size=case.batch,
        optimizer=xpnet.optimizers.SGD(lr=case.lr),
        seed=0,
        engine=engine,
        backend=backend,
        stream=stream,
        verbose=False,
    )
    weights = [xpnet.to_numpy(array) for array in net.params.values()]
    return {
        "wall_ms": [1e3 * seconds for seconds in history.seconds[1:]],
        "first_ms": 1e3 * history.seconds[0],
        "mean_losses": [epoch.loss for epoch in history.epochs],
        "accuracy": accuracy(weights, bench.data.x_test, bench.data.t_test),
    }
