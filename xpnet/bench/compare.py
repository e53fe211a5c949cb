"""The comparison: every contestant takes its turn in every round, and is checked before, during and after."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from xpnet.bench import checks, reference
from xpnet.bench.case import Case, Data, Floats, accuracy
from xpnet.bench.contestant import DoesNotApplyError
from xpnet.bench.floor import Floor, bandwidth
from xpnet.bench.machine import Load
from xpnet.bench.player import Turn
from xpnet.bench.remote import ContestantError
from xpnet.bench.result import Outcome, Result

CHECK_STEPS = 30
"""Steps of the short epochs that are compared with the float64 reference, before and after the timed ones."""

SETTLE = 0.5
"""Seconds of rest before each turn: OpenBLAS's threads, for one, spin for some 0.1 s after their work.

With 0.05 s of rest the epoch after NumPy's took 1.7 times as long as without NumPy beside it. The processors
rest as well, and a virtual one is slow to wake: the first steps after it take several times as long, which
no epoch of a longer training has but the first. So a turn is two epochs, and the clock runs in the second.
"""

INFERENCE = (1, 10_000)
"""Samples of a call, in the two kinds of inference timed."""

INFERENCE_ROUNDS = 5
"""How often each player's turn at them comes."""


class Plays(Protocol):
    """What `Player` and `RemotePlayer` have in common; see there."""

    def prepare(self) -> dict[str, Any]: ...  # noqa: D102
    def epoch(self, number: int, samples: int, after: int | None = None) -> Turn: ...  # noqa: D102
    def inference(self, samples: int, check: bool = True) -> dict[str, Any]: ...  # noqa: D102
    def gemm_rate(self) -> float: ...  # noqa: D102
    def peak_bytes(self) -> int: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class Comparison:
    """One case, and the contestants that play it.

    Epoch 0 is short and checked step by step; epoch 1 is whole and warms up; then come the turns, two epochs
    each; then inference, in turns too; the last epoch is short and checked again, from where the contestant
    has come to.

    Parameters
    ----------
    case : Case
    data : Data
    players : mapping of label to a function that starts a player
    epochs : int, optional
        Timed ones: the turns of each player.
    threads : int, optional
        What the players are held to; recorded.
    floor : Floor, optional
        Measured before; the comparison is then a brief one, without inference and GEMM rates.
    settle : float, optional
        Seconds of rest before each turn.
    until : float, optional
        On the clock of `time.monotonic`: after that nobody is made ready, and first rounds only are begun.
    check_steps : int, optional
        Steps of the epochs that are checked step by step.
    xp : module, optional
        Computes the reference: NumPy, or CuPy.
    say : callable, optional
        Told in a line what goes on.
    """

    def __init__(
        self,
        case: Case,
        data: Data,
        players: Mapping[str, Callable[[], Plays]],
        *,
        epochs: int = 9,
        threads: int = 1,
        floor: Floor | None = None,
        settle: float = SETTLE,
        until: float = math.inf,
        check_steps: int = CHECK_STEPS,
        xp: Any = np,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.case, self.data, self.epochs, self.threads = case, data.first(case.samples), epochs, threads
        self.settle, self.until, self.floor = settle, until, floor
        self._say, self._xp = say, xp
        self._start = players
        self._players: dict[str, Plays] = {}
        self._weights: dict[str, Any] = {}
        self.outcomes = {label: Outcome(label) for label in players}
        self.samples = len(self.data.x)
        self.after_all = 2 * epochs + 2  # the number of the last epoch
        # Its last batch is as large as a whole epoch's: another size would compile other code.
        self.check_samples = min(self.samples, check_steps * case.batch + self.samples % case.batch)

    def run(self) -> Result:
        """Play; one that fails is left out of the rest, and its outcome says why.

        One to which the case does not apply has no outcome.
        """
        self._expect()
        try:
            for label in self._start:
                self._guarded(label, self._prepare)
            load = Load()
            self._rounds("round", self.epochs, self._turn)
            busy = load.of_others(sum(sum(one.cpu) for one in self.outcomes.values()))
            self._rounds("inference, round", INFERENCE_ROUNDS if self.floor is None else 0, self._infer)
            for label in self.outcomes:
                self._guarded(label, self._finish)
        finally:
            for player in self._players.values():
                player.close()
        return self._result(busy)

    def say(self, line: str) -> None:
        """Say what goes on in this case."""
        self._say(f"{self.case}: {line}")

    def _guarded(self, label: str, play: Callable[..., None], *arguments: Any) -> None:
        if self.outcomes[label].error:
            return
        try:
            play(label, *arguments)
        except (ContestantError, ImportError, DoesNotApplyError) as error:
            if isinstance(error, DoesNotApplyError) or str(error).startswith(DoesNotApplyError.__name__):
                del self.outcomes[label]
                self.say(f"{label} is left out: {error}")
            else:
                self.outcomes[label].error = str(error)
                self.say(f"{label} failed: {error}")
            if label in self._players:
                self._players.pop(label).close()

    def _expect(self) -> None:
        self.say("the float64 reference")
        self._short = self._expected(self.case.weights(), 0)
        self._means: list[float] = []
        weights, xp = self._short.after, self._xp
        for number in range(1, self.after_all):
            losses, weights = reference.train(
                self.case, self.data, weights, number, self.samples, np.float32, xp
            )
            self._means.append(float(np.mean(losses)))

    def _expected(self, weights: Any, number: int) -> reference.Expected:
        return reference.expect(self.case, self.data, weights, number, self.check_samples, self._xp)

    def _prepare(self, label: str) -> None:
        if time.monotonic() > self.until:
            raise ContestantError("no time was left to make it ready")
        self.say(f"{label}: compiling and warming up")
        player = self._players[label] = self._start[label]()
        outcome = self.outcomes[label]
        outcome.facts = player.prepare()
        short = player.epoch(0, self.check_samples)
        whole = player.epoch(1, self.samples)
        outcome.checks += checks.mathematics("check before", short, self._short)
        outcome.checks += self._whole("warm-up", whole.losses, 1)
        outcome.first = short.seconds + whole.seconds
        outcome.first_share = 1 + self.check_samples / self.samples
        outcome.losses.append(float(np.mean(whole.losses)))

    def _rounds(self, name: str, rounds: int, play: Callable[[str, int], None]) -> None:
        for number in range(rounds):
            if number and time.monotonic() > self.until:
                self.say(f"no time is left after {number} rounds of {rounds}")
                break
            self.say(f"{name} {number + 1} of {rounds}")
            labels = list(self._players)
            first = number % max(len(labels), 1)
            for label in labels[first:] + labels[:first]:
                time.sleep(self.settle)
                self._guarded(label, play, number)

    def _turn(self, label: str, number: int) -> None:
        timed, outcome = 2 * number + 3, self.outcomes[label]
        turn = self._players[label].epoch(timed, self.samples, after=timed - 1)
        outcome.seconds.append(turn.seconds)
        outcome.cpu.append(turn.cpu)
        outcome.drain.append(turn.drain)
        outcome.losses.append(float(np.mean(turn.losses)))
        self._weights[label] = turn.weights
        outcome.checks += self._whole(f"turn {number + 1}, off the clock", turn.before, timed - 1)
        outcome.checks += self._whole(f"turn {number + 1}", turn.losses, timed)

    def _whole(self, when: str, losses: Floats, number: int) -> list[checks.Check]:
        made = checks.steps(when, losses, self.case.steps(self.samples))
        return [made, checks.mean_loss(when, losses, self._means[number - 1])]

    def _infer(self, label: str, number: int) -> None:
        outcome = self.outcomes[label]
        for kind, samples in enumerate(INFERENCE):
            timed = self._players[label].inference(samples, check=number == 0)
            if number == 0:
                outcome.checks.append(checks.inference(timed["samples"], timed.pop("error")))
                outcome.inference.append(timed)
            else:
                outcome.inference[kind]["seconds"] += timed["seconds"]

    def _finish(self, label: str) -> None:
        self.say(f"{label}: the last check")
        player, outcome, weights = self._players[label], self.outcomes[label], self._weights[label]
        outcome.accuracy = accuracy(weights, self.data.x_test, self.data.t_test)
        expected = self._expected(weights, self.after_all)
        turn = player.epoch(self.after_all, self.check_samples)
        outcome.checks += checks.mathematics("check after", turn, expected)
        outcome.gemm = player.gemm_rate() if self.floor is None else 0.0
        outcome.peak_bytes = player.peak_bytes()

    def _result(self, busy: float) -> Result:
        outcomes = list(self.outcomes.values())
        best = max(outcomes, key=lambda one: one.gemm)
        floor = self.floor or Floor(best.gemm or math.inf, best.label, bandwidth(self.threads))
        for one in outcomes:
            if not one.error:
                one.checks.append(checks.synchronised(one.drain, one.seconds))
                one.checks.append(checks.possible(floor.gemm_seconds(self.case, self.samples) / one.median))
        return Result(self.case, self.samples, self.threads, outcomes, floor, busy)
