"""One contestant at the clock: in this process here, in a process of its own through `remote`."""

from __future__ import annotations

import importlib
import importlib.metadata
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from xpnet.bench.case import Case, Data, Floats, Weights, logits
from xpnet.bench.contestant import Contestant

PRODUCT_SIDE = 1536
"""Side of the square matrices that the GEMM rate is measured with."""

GEMM_SECONDS = 0.5
"""How long that product is repeated."""

INFERENCE_SECONDS, OFF_THE_CLOCK = 0.15, 0.05
"""How long one kind of inference is repeated in a round, and how much of it before the clock counts.

A processor that has rested is slow to wake, and hundreds of calls for one image are over in a millisecond.
"""

INFERENCES = 40
"""Calls of a round that are kept at most, evenly spread."""


class Turn(NamedTuple):
    """One epoch of one contestant.

    Attributes
    ----------
    seconds : float
        From one synchronised moment to the next.
    drain : float
        Seconds that reading the last bias took longer the first time than the second: work that went on after
        the clock had stopped. All weights of a wide net are megabytes, whose memory alone makes a difference
        of 3 ms.
    cpu : float
        Seconds of processor time this process used, for the epoch off the clock too.
    losses : ndarray (steps,) float64
    weights : list of ndarray
        After the epoch.
    before : ndarray (steps,) float64
        The losses of the epoch off the clock; none if there was none.
    """

    seconds: float
    drain: float
    cpu: float
    losses: npt.NDArray[np.float64]
    weights: Weights
    before: npt.NDArray[np.float64]


class Player:
    """A contestant, its case and its data, in this process.

    Parameters
    ----------
    spec : str or Contestant
        `"package.module:Class"`, or one that exists.
    options : dict
        The class's arguments.
    """

    def __init__(self, spec: str | Contestant, options: dict[str, Any], case: Case, data: Data) -> None:
        started = time.perf_counter()
        self.contestant = make(spec, options) if isinstance(spec, str) else spec
        self.import_seconds = time.perf_counter() - started
        self.case, self.data = case, data

    def prepare(self) -> dict[str, Any]:
        """Build the net; return what is worth recording."""
        started = time.perf_counter()
        self.contestant.prepare(self.case, self.data, self.case.weights())
        self.contestant.synchronize()
        return {
            "import_s": self.import_seconds,
            "prepare_s": time.perf_counter() - started,
            "versions": {name: version(name) for name in self.contestant.packages},
            "differs": self.contestant.differs,
            **self.contestant.facts(),
        }

    def epoch(self, number: int, samples: int, after: int | None = None) -> Turn:
        """Train on the first `samples` samples, with the device synchronised at both ends of the clock.

        `after` is the number of an epoch that is trained right before, off the clock.
        """
        cpu, order = time.process_time(), self.case.order(number, samples)
        before: Sequence[float] = ()
        if after is not None:
            before = self.contestant.epoch(after, self.case.order(after, samples))
        self.contestant.synchronize()
        started = time.perf_counter()
        losses = self.contestant.epoch(number, order)
        self.contestant.synchronize()
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        first, second = (_timed(self.contestant.last_bias) for _ in range(2))
        weights = [np.array(array) for array in self.contestant.weights()]
        kept, kept_before = (np.array(some, np.float64) for some in (losses, before))
        return Turn(seconds, max(0.0, first - second), cpu, kept, weights, kept_before)

    def inference(self, samples: int, check: bool = True) -> dict[str, Any]:
        """Time the logits of the first `samples` test images; return the seconds of one call, many times.

        With `check` also the largest `error` of a probability, against float64.
        """
        x = np.ascontiguousarray(self.data.x_test[:samples])
        there = self.contestant.put(x)
        y = self.contestant.fetch(self.contestant.predict(there))  # compiles, where there is anything to
        seconds: list[float] = []
        begun = time.perf_counter()
        while not seconds or time.perf_counter() < begun + INFERENCE_SECONDS:
            counts = time.perf_counter() >= begun + OFF_THE_CLOCK
            taken = _timed_call(self.contestant, self.contestant.predict, there)
            if counts:
                seconds.append(taken)
        kept: dict[str, Any] = {"samples": len(x), "seconds": seconds[:: -(-len(seconds) // INFERENCES)]}
        if check:
            weights = [array.astype(np.float64) for array in self.contestant.weights()]
            exact = logits(weights, x.astype(np.float64))
            kept["error"] = float(np.max(np.abs(_shares(y) - _shares(exact))))
        return kept

    def gemm_rate(self) -> float:
        """Return the best rate of this library's float32 matrix product, in FLOP/s."""
        draw = np.random.default_rng(0)
        sides = PRODUCT_SIDE, PRODUCT_SIDE
        a, b = (self.contestant.put(draw.standard_normal(sides).astype(np.float32)) for _ in range(2))
        best, stop = math.inf, time.perf_counter() + GEMM_SECONDS
        while best == math.inf or time.perf_counter() < stop:
            best = min(best, _timed_call(self.contestant, self.contestant.product, a, b))
        return 2.0 * PRODUCT_SIDE**3 / best

    def peak_bytes(self) -> int:
        """Return the largest memory this process has had, or 0 where the system does not tell."""
        try:
            # Not getrusage: what it tells includes the parent's memory at the time of the fork.
            lines = Path("/proc/self/status").read_text().splitlines()
        except OSError:
            return 0
        return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))

    def close(self) -> None:
        """Nothing is left open."""


def make(spec: str, options: dict[str, Any]) -> Contestant:
    """Return the contestant that `"package.module:Class"` names."""
    module, _, name = spec.partition(":")
    contestant: Contestant = getattr(importlib.import_module(module), name)(**options)
    return contestant


def version(package: str) -> str:
    """Return the installed version of a distribution, or "not installed"."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _shares(y: Floats) -> Floats:
    """Return the softmax of each row: logits that differ by a constant say the same."""
    e = np.exp(y - y.max(axis=1, keepdims=True))
    shares: Floats = e / e.sum(axis=1, keepdims=True)
    return shares


def _timed(read: Callable[[], Any]) -> float:
    started = time.perf_counter()
    read()
    return time.perf_counter() - started


def _timed_call(contestant: Contestant, function: Any, *arrays: Any) -> float:
    contestant.synchronize()
    started = time.perf_counter()
    kept = function(*arrays)
    contestant.wait_for(kept)
    return time.perf_counter() - started
