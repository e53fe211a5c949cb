"""Every tier against float64, after 1, 5 and 600 steps from the same weights, in the same order."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from gpu_sections import SMALL, ways
from gpu_sections.bench import Bench, say
from xpnet.bench import reference
from xpnet.bench.case import Case, Data, Weights
from xpnet.bench.contestant import Contestant
from xpnet.bench.contestants import Entry
from xpnet.bench.reference import Trained

ALLOWED, TIGHTEST, LOOSEST = reference.ALLOWED, 1e-4, reference.LOOSEST
"""The limit of each error: so many times what NumPy's float32 makes of it, and no tighter than this.

Beyond `LOOSEST` rounding has parted two honest runs, and the error says nothing.
"""


def first_step(bench: Bench) -> None:
    """Take one step of the persistent kernel: should its blocks wait for ever, only this section is lost."""
    compare(bench, ways.named(bench, ways.PERSISTENT), bench.plan.steps[0])


def run(bench: Bench) -> None:
    """Compare every tier at every number of steps; then see which of them repeat bit by bit."""
    for entry in ways.alone(bench):
        why = ways.left_out(bench, entry)
        for steps in bench.plan.steps:
            with bench.attempt("tier", label=entry.label, steps=steps):
                if why is not None:
                    raise RuntimeError(why)
                compare(bench, entry, steps)
    for label in (ways.PERSISTENT, ways.DETERMINISTIC, ways.GRAPH):
        with bench.attempt("repeated", label=label):
            entry = ways.named(bench, label)
            if (why := ways.left_out(bench, entry)) is not None:
                raise RuntimeError(why)
            repeat(bench, entry)


def compare(bench: Bench, entry: Entry, steps: int) -> None:
    """Record how far a tier's losses, weights and updates are from float64's; raise if it is too far."""
    say(f"{entry.label}, {steps} steps")
    case, data = _start(bench, steps)
    exact, rounded = _by_numpy(bench, steps)
    found = errors(case.weights(), trained(ways.made(entry), case, data), exact)
    plain = errors(case.weights(), rounded, exact)
    limits = {name: [max(ALLOWED * one, TIGHTEST) for one in plain[name]] for name in plain}
    bench.record("tier", label=entry.label, steps=steps, errors=found, numpy_float32=plain, limits=limits)
    beyond = [
        f"{name} {index}: {error:.1e}, {limit:.1e} is allowed"
        for name in found
        for index, (error, limit) in enumerate(zip(found[name], limits[name], strict=True))
        if not (error <= limit or limit > LOOSEST)
    ]
    if beyond:
        raise ValueError(f"{entry.label} after {steps} steps is too far from float64: {'; '.join(beyond)}")


@functools.cache
def _by_numpy(bench: Bench, steps: int) -> tuple[Trained, Trained]:
    """Return what NumPy makes of the same steps in float64 and in float32; the same for every tier."""
    case, data = _start(bench, steps)
    exact, rounded = (
        reference.train(case, data, case.weights(), 0, len(data.x), dtype)
        for dtype in (np.float64, np.float32)
    )
    return exact, rounded


def _start(bench: Bench, steps: int) -> tuple[Case, Data]:
    case = bench.case(SMALL)
    return case, bench.data.first(steps * case.batch)


def trained(contestant: Contestant, case: Case, data: Data) -> Trained:
    """Return the losses and the weights after an epoch of the data."""
    contestant.prepare(case, data, case.weights())
    losses = np.array(contestant.epoch(0, case.order(0, len(data.x))), np.float64)
    contestant.synchronize()
    return Trained(losses, contestant.weights())


def errors(start: Weights, found: Trained, exact: Trained) -> dict[str, list[float]]:
    """Return ‖found - exact‖ / ‖exact‖ of the losses, the arrays, and the arrays' ways from the start."""
    triples = list(zip(found.weights, exact.weights, start, strict=True))
    return {
        "losses": [relative(found.losses, exact.losses)],
        "weights": [relative(mine, its) for mine, its, _ in triples],
        "updates": [relative(mine - before, its - before) for mine, its, before in triples],
    }


def relative(found: Any, exact: Any) -> float:
    """Return ‖found - exact‖ / ‖exact‖, NaN where the shapes differ."""
    if np.shape(found) != np.shape(exact):
        return float("nan")
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


def repeat(bench: Bench, entry: Entry) -> None:
    """Record whether two runs from the same start end in the same bits; raise if they must and do not."""
    case, data = _start(bench, bench.plan.steps[-1])
    first, second = (trained(ways.made(entry), case, data) for _ in range(2))
    pairs = zip((first.losses, *first.weights), (second.losses, *second.weights), strict=True)
    same = all(np.array_equal(a, b) for a, b in pairs)
    bench.record("repeated", label=entry.label, steps=bench.plan.steps[-1], same_bits=same)
    if entry.label == ways.DETERMINISTIC and not same:
        raise ValueError(f"{entry.label} did not repeat bit by bit")
