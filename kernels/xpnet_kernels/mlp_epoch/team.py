"""How many threads share the steps of an epoch: as many as measure fastest, found while the net trains.

The weights do not depend on the number, bit for bit. So nothing is trained on copies and thrown away: numbers
of threads take turns for a few milliseconds now and then. A number above the one in use is tried with a few
steps first: where there are more threads than processors, a step takes many times as long.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable

from xpnet_kernels import _threads
from xpnet_kernels.mlp_epoch.turns import Round

WORTH_SHARING = 100_000
"""Multiplications of a step from which on it takes FEW threads until the number is measured."""

EPOCH_WORTH_SHARING = 10_000_000
"""The same of an epoch: below, it is over when a second thread has started."""

SURELY_WORTH_SHARING = 50_000_000
"""From here on, a millisecond of work, FEW threads are taken unmeasured where there are no more."""

FEW = 2
"""Threads that the first steps take."""

FIRST = 500_000_000
"""Multiplications that these make together, some 10 ms, before more threads are tried."""

ROUNDS = 3
"""How many of the last rounds count."""

SOON, LATER = 0.05, 1.0
"""Seconds of training from one round to the next, for the first ROUNDS and from then on: a machine's other
programs come and go."""

CALM = 20
"""How many times as long as a round takes it is then at least to the next: steps may take long."""

GAIN = 0.95
"""Of the time with fewer threads, what more of them must undercut: they lose most to a busy neighbour."""

PATIENCE = 4
"""Rounds at most that leave out what was given up: 1, then 2, then 4."""

Make = Callable[[int, int], float]
"""Makes the next steps with so many threads, so many steps; returns the seconds, infinite if told to stop."""


class Trial:
    """Numbers of threads that take turns now and then, in rounds, to see which is the fastest.

    A round measures half of the fastest number, the fastest, and more for as long as these are not slower.
    Several nets may be trained at once; each call is whole.

    Parameters
    ----------
    most : int
        The largest number; tried are also 1, 2, 4 and so on below it.
    first : int
        The number until there is a round.
    begin : int, optional
        Steps after which larger numbers are tried at once; by default a first epoch tries none.

    Attributes
    ----------
    fastest : int
        The smallest number within GAIN of the fastest, each judged by its shortest time, which nothing else
        disturbed.
    """

    def __init__(self, most: int, first: int, begin: int | None = None) -> None:
        self.numbers = sorted({most, *(2**n for n in range(most.bit_length()))})
        self.fastest, self._begin = first, begin
        self._rounds: deque[dict[int, float]] = deque(maxlen=ROUNDS)
        self._round: Round | None = None
        self._step = self._since = self._cost = 0.0
        self._patience = self._left_out = 0
        self._below = math.inf
        self._lock = threading.Lock()

    def following(self, left: int) -> tuple[int, int]:
        """Return with how many threads to make the next steps, and how many of those that are left."""
        with self._lock:
            if self._step == 0:  # a first epoch has much to warm up
                return self.fastest, left if self._begin is None else min(left, self._begin)
            if self._round is None:
                wait = round((self._pause() - self._since) / self._step)
                if wait > 0:
                    return self.fastest, min(left, wait)
                self._round = self._next_round()
            return self._round.following(left)

    def _pause(self) -> float:
        return SOON if len(self._rounds) < ROUNDS else max(LATER, CALM * self._cost)

    def _next_round(self) -> Round:
        own = self.numbers.index(self.fastest)
        more = self.numbers[own + 1 :]
        if self._left_out > 0:
            self._left_out -= 1
            more = [number for number in more if number < self._below]
        return Round([*self.numbers[max(own - 1, 0) : own + 1], *more], self.fastest, self._step)

    def note(self, number: int, count: int, seconds: float) -> None:
        """Take notice of how long so many steps took."""
        with self._lock:
            if self._round is not None:
                self._round.note(number, count, seconds)
                if self._round.over:
                    self._end(self._round)
                return
            first, self._step, self._since = self._step == 0, seconds / count, self._since + seconds
            more = [larger for larger in self.numbers if larger > number]
            if first and self._begin is not None and more:
                self._round = Round(more, number, self._step, {number: self._step})

    def _end(self, made: Round) -> None:
        if made.given_up is not None:
            self._below = made.given_up
            self._patience = self._left_out = min(max(1, 2 * self._patience), PATIENCE)
        elif max(made.seconds) > self.fastest:
            self._patience = 0
        # The first epoch's is not kept: what it made first was slow for other reasons.
        rounds = [made.seconds] if made.is_first else self._rounds
        if not made.is_first:
            self._rounds.append(made.seconds)
        self.fastest = _smallest(rounds)
        self._step = made.seconds.get(self.fastest, self._step)
        self._round, self._since, self._cost = None, 0.0, made.cost


def _smallest(rounds: Iterable[dict[int, float]]) -> int:
    shortest: dict[int, float] = {}
    for one in rounds:
        for number, seconds in one.items():
            shortest[number] = min(seconds, shortest.get(number, math.inf))
    enough = min(shortest.values()) / GAIN
    return min(number for number, seconds in shortest.items() if seconds <= enough)


_trials: dict[Hashable, Trial] = {}


def make_steps(make: Make, most: int, steps: int, multiplications: int, key: Hashable) -> None:
    """Make the steps of an epoch with the number of threads chosen by the user, or else the fastest.

    Parameters
    ----------
    make : callable
    most : int
        Threads at most: the number chosen, or else that of the processors. There are buffers for so many.
    steps : int
        Or, where several steps are made together, how many times they are; so below.
    multiplications : int
        Of one step.
    key : hashable
        What the fastest number is remembered for, as long as this process lives.
    """
    few = most <= FEW and multiplications >= SURELY_WORTH_SHARING
    if steps == 0 or few or _threads.chosen() is not None:
        make(most, steps)
        return
    trial = _trials.setdefault((key, most), _new_trial(most, steps, multiplications))
    while steps > 0:
        number, count = trial.following(steps)
        seconds = make(number, count)
        if seconds == math.inf:
            return
        trial.note(number, count, seconds)
        steps -= count


def _new_trial(most: int, steps: int, multiplications: int) -> Trial:
    if multiplications < WORTH_SHARING or steps * multiplications < EPOCH_WORTH_SHARING:
        return Trial(most, 1)
    return Trial(most, min(most, FEW), None if most <= FEW else max(1, FIRST // multiplications))
