"""Which backend is the quickest for a net: one real step on each, remembered for this machine and net."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import xpnet
from xpnet._atomic import write_atomically
from xpnet.datasets._places import cache_folder
from xpnet.optimizers import Optimizer
from xpnet.training._trial import Trial
from xpnet.training.loop import chosen_optimizer

if TYPE_CHECKING:
    from xpnet.nets import Sequential

BUDGET = 2.0
"""Seconds that all measuring may take, compiling apart, where a step takes less than about 0.2 s."""

CROSSOVER_BATCHES = (1, 10, 100, 1000)

Times = dict[str, float]
"""Seconds of one step, by backend."""

_kept: dict[Path, dict[str, Times]] = {}
"""What this process has measured, by file: what remembers where no file can be written."""


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
    optimizer: Optimizer | str | None = None,
    engine: str = "auto",
    crossover: bool = False,
    cache: Path | None = None,
    again: bool = False,
    verbose: bool = False,
) -> Choice:
    """Time one real step of a net on each usable backend, and take the quickest.

    The net, its generator and its optimizers are left as they were: copies are trained.

    Parameters
    ----------
    net : Sequential
    x, t : array
        Training data; where there is less than a batch, all of them are one.
    batch_size, optimizer, engine : optional
        As for `fit`.
    crossover : bool, optional
        Whether to measure other batch sizes too, to say where the order changes.
    cache : Path, optional
        The file that remembers; by default `choices.json` in xpnet's cache folder. Where none can be written,
        this process remembers.
    again : bool, optional
        Whether to measure even if it is remembered.
    verbose : bool, optional
        Whether to say on stderr that kernels compile.

    Returns
    -------
    Choice

    Raises
    ------
    ValueError, TypeError, DivergedError
        As `fit`.
    """
    cache = cache_folder() / "choices.json" if cache is None else cache
    mine, sgd = min(batch_size, max(len(x), 1)), chosen_optimizer(optimizer)
    # What has a reason lacks its kernels today; its times are not those of another day.
    names = [status.name for status in xpnet.backends() if status.usable and not status.reason]
    others = [size for size in CROSSOVER_BATCHES if crossover and size <= len(x) and size != mine]
    keys = {batch: _key(net, batch, names, sgd, engine) for batch in (mine, *others)}
    known = {} if again else _read(cache)
    remembered = keys[mine] in known
    if not remembered:
        trial = Trial(net, x, t, sgd, engine, verbose)
        new = {keys[batch]: times for batch, times in _measured(trial, names, mine, others)}
        _write(cache, new)
        known |= new
    found = {batch: known[key] for batch, key in keys.items() if key in known}
    changes = _changes(found) if crossover else []
    return Choice(_quickest(found[mine]), found[mine], remembered, changes)


def _measured(
    trial: Trial, names: Sequence[str], mine: int, others: Sequence[int]
) -> Iterator[tuple[int, Times]]:
    """Measure this batch, then those of the others that there is time for."""
    limit = BUDGET / 4 / len(names)
    times = {name: trial.seconds(name, mine, limit) for name in names}
    yield mine, times
    stop = time.perf_counter() + BUDGET / 2
    for batch in others:
        expected = 5 * sum(times.values()) * max(1.0, batch / mine)
        if time.perf_counter() + expected < stop:
            yield batch, {name: trial.seconds(name, batch, limit / len(others)) for name in names}


def _quickest(seconds: Times) -> str:
    return min(seconds, key=lambda name: seconds[name])


def _changes(measured: dict[int, Times]) -> list[tuple[int, str]]:
    changes: list[tuple[int, str]] = []
    for batch in sorted(measured):
        best = _quickest(measured[batch])
        if not changes or changes[-1][1] != best:
            changes.append((batch, best))
    return changes


def _key(net: Sequential, batch: int, names: Sequence[str], optimizer: Optimizer, engine: str) -> str:
    """Return what a choice depends on: machine, version, net, batch, optimizer, engine, backends."""
    shapes = [tuple(map(int, np.shape(array))) for array in net.params.values()]
    layers = [type(layer).__name__ for layer in (*net.layers.values(), net.lastLayer)]
    devices = [status.device for status in xpnet.backends() if status.usable]
    facts = [xpnet.__version__, devices, list(names), layers, shapes, str(net.dtype), batch]
    facts += [type(optimizer).__name__, engine]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]


def _read(path: Path) -> dict[str, Times]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        found = {}
    entries = found.items() if isinstance(found, dict) else ()
    return {key: times for key, times in entries if _are_times(times)} | _kept.get(path, {})


def _are_times(value: Any) -> bool:
    """Return whether an entry is what `_write` wrote: somebody may have edited the file."""
    if not isinstance(value, dict) or not value:
        return False
    return all(isinstance(time, float) and 0 < time < math.inf for time in value.values())


def _write(path: Path, new: dict[str, Times]) -> None:
    """Remember, beside what other processes have measured meanwhile."""
    _kept[path] = _kept.get(path, {}) | new
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, (json.dumps(_read(path), indent=1) + "\n").encode())
