"""What would make a time worthless: other mathematics, or a clock stopped early."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xpnet.bench.case import Floats
from xpnet.bench.player import Turn
from xpnet.bench.reference import Expected

MEAN_LIMIT = 0.05
"""How far the mean loss of a timed epoch may be from the reference's: the runs part where ReLUs switch."""

DRAIN_SHARE, DRAIN_SECONDS = 0.05, 0.002
"""How much of an epoch, or how long, may still be running when its clock has stopped."""

FLOOR_LIMIT = 1.05
"""The share of the measured GEMM rate above which work was left out, or the rate was measured wrongly."""

INFERENCE_LIMIT = 1e-4
"""How far a predicted probability may be from the float64 net's."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked for.

    Attributes
    ----------
    name : str
    value, limit : float
        It passes if the value is at most the limit.
    found : str
        What is wrong, in words, if it does not pass.
    """

    name: str
    value: float
    limit: float
    found: str

    @property
    def passed(self) -> bool:
        """Whether nothing was found; NaN does not pass."""
        return self.value <= self.limit


def steps(when: str, losses: Floats, expected: int) -> Check:
    """Compare the number of losses with the number of steps; one loss is the epoch's mean."""
    made = len(losses)
    found = f"{when}: {made} steps were made of {expected}"
    return Check(f"{when}: steps", 0.0 if made in (1, expected) else abs(made - expected), 0.0, found)


def mathematics(when: str, turn: Turn, expected: Expected) -> list[Check]:
    """Compare a short epoch's losses and the weights it left with the float64 reference.

    Should rounding alone part two runs so soon, only the mean of the losses is compared.
    """
    checks = [steps(when, turn.losses, len(expected.losses))]
    if not checks[0].passed:
        return checks
    if not expected.comparable:
        return [*checks, mean_loss(when, turn.losses, float(np.mean(expected.losses)))]
    one = len(turn.losses) < len(expected.losses)
    loss = expected.mean_distance(turn.losses) if one else expected.loss_distance(turn.losses)
    weight = expected.weight_distance(turn.weights)
    checks.append(
        Check(
            f"{when}: losses",
            loss,
            expected.loss_limit,
            f"{when}: the losses are {loss:.1e} of their mean from the float64 reference, "
            f"{expected.loss_limit:.1e} is allowed",
        )
    )
    checks.append(
        Check(
            f"{when}: weights",
            weight,
            expected.weight_limit,
            f"{when}: the weights are {weight:.1e} of their way from the float64 reference, "
            f"{expected.weight_limit:.1e} is allowed",
        )
    )
    return checks


def mean_loss(when: str, losses: Floats, expected: float) -> Check:
    """Compare an epoch's mean loss with the reference's."""
    mean = float(np.mean(losses))
    limit = MEAN_LIMIT * expected + 0.005
    found = f"{when}: the mean loss is {mean:.4f}, the reference's {expected:.4f}"
    return Check(f"{when}: mean loss", abs(mean - expected), limit, found)


def synchronised(drains: Sequence[float], epochs: Sequence[float]) -> Check:
    """Look for work that went on after the clock had stopped, in seconds, over the timed epochs."""
    drain, seconds = statistics.median(drains), statistics.median(epochs)
    return Check(
        "synchronised",
        drain,
        max(DRAIN_SECONDS, DRAIN_SHARE * seconds),
        f"{1000 * drain:.1f} ms of work went on after the clock had stopped, in an epoch timed as "
        f"{1000 * seconds:.1f} ms: a synchronisation is missing",
    )


def possible(share: float) -> Check:
    """Look for more arithmetic a second than the machine's measured best."""
    found = (
        f"the arithmetic would take {share:.2f} of this machine's measured GEMM rate: not all of it was done"
    )
    return Check("possible", share, FLOOR_LIMIT, found)


def inference(samples: int, error: float) -> Check:
    """Compare predicted probabilities with the float64 net's."""
    found = f"inference of {samples}: a probability is {error:.1e} from the float64 net's"
    return Check(f"inference of {samples}", error, INFERENCE_LIMIT, found)
