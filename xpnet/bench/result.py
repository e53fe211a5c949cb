"""What a comparison leaves: every raw sample, and the figures computed from them; to and from JSON."""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from xpnet.bench.case import Case
from xpnet.bench.checks import Check
from xpnet.bench.floor import Floor


@dataclass
class Outcome:
    """One contestant in one case.

    Attributes
    ----------
    label : str
    seconds, drain : list of float
        Of every timed epoch.
    cpu : list of float
        Of every turn: seconds of processor time, those of the epoch off the clock too.
    losses : list of float
        Mean of every timed epoch, after the warm-up's.
    accuracy : float
        On the test data after the last epoch, computed by the harness from the weights.
    first : float
        Seconds of the epochs before the timed ones: they hold all compilation.
    first_share : float
        How many epochs' work those were.
    inference : list of dict
        `samples`, and `seconds` of some calls of every turn.
    gemm : float
        FLOP/s of its library's float32 matrix product.
    peak_bytes : int
        Of its process, the data included.
    facts : dict
        Versions, device, seconds of import and of preparing.
    checks : list of Check
    error : str
        Why it did not finish, or "".
    """

    label: str
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    drain: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    accuracy: float = float("nan")
    first: float = 0.0
    first_share: float = 0.0
    inference: list[dict[str, Any]] = field(default_factory=list)
    gemm: float = 0.0
    peak_bytes: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    error: str = ""

    @property
    def problems(self) -> list[str]:
        """What keeps its time from counting, in words."""
        return [self.error] if self.error else [check.found for check in self.checks if not check.passed]

    @property
    def counts(self) -> bool:
        """Whether it finished and passed every check."""
        return not self.problems

    @property
    def median(self) -> float:
        """Seconds an epoch."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """Half the range of the middle half of the samples, as a share of the median."""
        if len(self.seconds) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return (high - low) / 2 / self.median

    @property
    def compile_seconds(self) -> float:
        """What the first epochs took longer than the timed ones do: compilation and warming up."""
        return max(0.0, self.first - self.first_share * self.median)


@dataclass
class Result:
    """All contestants in one case.

    Attributes
    ----------
    case : Case
    samples : int
        Of an epoch.
    threads : int
    outcomes : list of Outcome
    floor : Floor
    busy : float
        Share of the processors' time that other programs used meanwhile; NaN where it is not known.
    run : int
        Which run of several this was, from 1.
    """

    case: Case
    samples: int
    threads: int
    outcomes: list[Outcome]
    floor: Floor
    busy: float = float("nan")
    run: int = 1

    @property
    def counting(self) -> list[Outcome]:
        """The outcomes whose times count, the quickest first."""
        return sorted((one for one in self.outcomes if one.counts), key=lambda one: one.median)

    @property
    def floor_seconds(self) -> float:
        """The least time for an epoch on this machine."""
        return self.floor.seconds(self.case, self.samples)

    def images(self, one: Outcome) -> float:
        """Return the training samples a second."""
        return self.samples / one.median

    def ratio(self, one: Outcome, other: Outcome) -> float:
        """Return how many times longer `one` takes than `other`: the median over the rounds, pair by pair."""
        return statistics.median(a / b for a, b in zip(one.seconds, other.seconds, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: the samples, and for a reader the figures that follow from them."""
        plain = asdict(self)
        for one, outcome in zip(plain["outcomes"], self.outcomes, strict=True):
            one["problems"] = outcome.problems
            if outcome.seconds:
                one["median"], one["spread"] = outcome.median, outcome.spread
                one["share_of_floor"] = self.floor_seconds / outcome.median
        return {**plain, "name": str(self.case), "floor_seconds": self.floor_seconds}


def from_dict(plain: dict[str, Any]) -> Result:
    """Return the result that `to_dict` wrote."""
    case = Case(**{**plain["case"], "sizes": tuple(plain["case"]["sizes"])})
    outcomes = [_outcome(one) for one in plain["outcomes"]]
    floor, busy = Floor(**plain["floor"]), _number(plain["busy"])
    return Result(case, plain["samples"], plain["threads"], outcomes, floor, busy, plain["run"])


def _outcome(plain: dict[str, Any]) -> Outcome:
    names = {one.name for one in fields(Outcome)}
    kept = {name: value for name, value in plain.items() if name in names}
    kept["checks"] = [
        Check(one["name"], _number(one["value"]), one["limit"], one["found"]) for one in plain["checks"]
    ]
    return Outcome(**{**kept, "accuracy": _number(kept["accuracy"])})


def _number(value: float | None) -> float:
    """Return NaN where JSON, which has none, holds null."""
    return math.nan if value is None else value
