"""How far repeated runs are apart."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from xpnet.bench.result import Result


class Difference(NamedTuple):
    """How far two runs of a case are apart in one contestant's ratio.

    Attributes
    ----------
    case, label : str
    value : float
        The larger ratio by the smaller, less 1.
    """

    case: str
    label: str
    value: float


def differences(results: Sequence[Result]) -> list[Difference]:
    """Return the difference of every ratio between every two runs of a case."""
    found = []
    for one, other in itertools.combinations(results, 2):
        if one.case == other.case:
            found += _between(one, other)
    return found


def _between(one: Result, other: Result) -> list[Difference]:
    # The ratios that the tables show: to the quickest. It is the first run's quickest in both, or two that
    # are level would change places and every ratio with them; and each ratio is the median over the rounds,
    # pair by pair, so that a burst of other work in one round, or a slower machine, has no part in it.
    twins = {outcome.label: outcome for outcome in other.counting}
    common = [outcome for outcome in one.counting if outcome.label in twins]
    found = []
    for outcome in common[1:]:
        first = one.ratio(outcome, common[0])
        second = other.ratio(twins[outcome.label], twins[common[0].label])
        found.append(Difference(str(one.case), outcome.label, max(first / second, second / first) - 1))
    return found


def agreement(results: Sequence[Result]) -> str:
    """Say how far the ratios of repeated runs are apart, or nothing without any."""
    found = differences(results)
    if not found:
        return ""
    largest = max(found, key=lambda one: one.value)
    middle = statistics.median(one.value for one in found)
    runs = max(result.run for result in results)
    return (
        f"{runs} runs one after the other agree on every ratio to the quickest within "
        f"{100 * largest.value:.0f} % ({largest.label}, {largest.case}), and on half of the {len(found)} "
        f"ratios within {100 * middle:.1f} %."
    )
