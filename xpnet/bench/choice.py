"""Which backend is the quickest for a net: one real step on each, remembered for this machine and net."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import xpnet
from xpnet import _backends
from xpnet._atomic import write_atomically
from xpnet.datasets._places import cache_folder
from xpnet.training import fit

if TYPE_CHECKING:
    from xpnet.nets import Sequential

BUDGET = 2.0
"""Seconds that all measuring of one net and batch may take, if no backend's first step alone takes longer."""

MOST_STEPS = 20
"""Of one sample: what a call of `fit` costs once is then spread as in a short epoch."""

CROSSOVER_BATCHES = (1, 10, 100, 1000)


@dataclass(frozen=True)
class Choice:
    """What was measured, and what it means.

    Attributes
    ----------
    backend : str
        The quickest.
    seconds : dict of str to float
        Of one step on each usable backend, after the first: the least of a few.
    remembered : bool
        Whether it was read from the cache instead of measured now.
    crossover : list of (int, str)
        The batch sizes at which the quickest backend changes, and to which; the first entry is the smallest
        batch measured.
    """

    backend: str
    seconds: dict[str, float]
    remembered: bool = False
    crossover: list[tuple[int, str]] = field(default_factory=list)

    def __str__(self) -> str:
        steps = ", ".join(f"{name} {1e6 * time:.0f} µs" for name, time in self.seconds.items())
        source = ", remembered" if self.remembered else ""
        words = [f"{self.backend} is the quickest here (a step: {steps}{source})"]
        words += [f"from batch {batch} on {name}" for batch, name in self.crossover]
        return "; ".join(words)


def choose(
    net: Sequential,
    x: Any,
    t: Any,
    *,
    batch_size: int = 100,
    crossover: bool = False,
    cache: Path | None = None,
    again: bool = False,
) -> Choice:
    """Time one real step of a net on each usable backend, and take the quickest.

    The net, its generator and its optimizers are left as they were: copies are trained.

    Parameters
    ----------
    net : Sequential
    x, t : array
        At least a batch of training data.
    batch_size : int, optional
    crossover : bool, optional
        Whether to measure other batch sizes too, to say where the order changes.
    cache : Path, optional
        The file that remembers; by default in xpnet's cache folder.
    again : bool, optional
        Whether to measure even if it is remembered.

    Returns
    -------
    Choice
    """
    cache = cache_file() if cache is None else cache
    names = [status.name for status in xpnet.backends() if status.usable]
    batches = sorted({batch_size, *(CROSSOVER_BATCHES if crossover else ())})
    known = _read(cache)
    measured: dict[int, dict[str, float]] = {}
    remembered = True
    for batch in (size for size in batches if size <= len(x)):
        key = _key(net, batch, names)
        if again or key not in known:
            known[key] = _measure(net, x, t, batch, names)
            remembered = False
        measured[batch] = known[key]
    if not remembered:
        _write(cache, known)
    here = measured[min(batch_size, max(measured))]
    return Choice(_quickest(here), here, remembered, _changes(measured) if crossover else [])


def cache_file() -> Path:
    """Return the file that remembers, in xpnet's cache folder."""
    return cache_folder() / "choices.json"


def _quickest(seconds: dict[str, float]) -> str:
    return min(seconds, key=lambda name: seconds[name])


def _changes(measured: dict[int, dict[str, float]]) -> list[tuple[int, str]]:
    changes: list[tuple[int, str]] = []
    for batch in sorted(measured):
        best = _quickest(measured[batch])
        if not changes or changes[-1][1] != best:
            changes.append((batch, best))
    return changes


def _measure(net: Sequential, x: Any, t: Any, batch: int, names: Sequence[str]) -> dict[str, float]:
    """Return the seconds of a step on each backend."""
    seconds: dict[str, float] = {}
    for name in names:
        twin, backend = net.copy(), _backends.find(name)
        twin.to(backend)
        data = backend.asarray(x), backend.asarray(t)
        stop = time.perf_counter() + BUDGET / len(names) / 2
        _epoch(twin, data, batch, 1)  # compiles
        steps = min(MOST_STEPS, len(x) // batch, max(1, int(0.05 / _epoch(twin, data, batch, 1))))
        samples = [_epoch(twin, data, batch, steps)]
        while len(samples) < 5 and time.perf_counter() < stop:
            samples.append(_epoch(twin, data, batch, steps))
        seconds[name] = min(samples)  # a busy neighbour only adds
    return seconds


def _epoch(net: Sequential, data: tuple[Any, Any], batch: int, steps: int) -> float:
    """Take so many steps as `fit` does, until the losses are on the host; return the seconds of one."""
    x, t = (array[: steps * batch] for array in data)
    still = xpnet.optimizers.SGD(1e-6)  # the steps' size has no part in their time
    history = fit(net, x, t, batch_size=batch, optimizer=still, verbose=False, seed=0)
    return history.seconds[0] / steps


def _key(net: Sequential, batch: int, names: Sequence[str]) -> str:
    """Return what a choice depends on: machine, version, net, batch, backends."""
    shapes = [tuple(map(int, np.shape(array))) for array in net.params.values()]
    layers = [type(layer).__name__ for layer in net.layers.values()]
    devices = [status.device for status in xpnet.backends() if status.usable]
    facts = [xpnet.__version__, devices, list(names), layers, shapes, str(net.dtype), batch]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]


def _read(path: Path) -> dict[str, dict[str, float]]:
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(path: Path, known: dict[str, dict[str, float]]) -> None:
    """Remember; a machine without a writable home measures every time."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, (json.dumps(known, indent=1) + "\n").encode())
