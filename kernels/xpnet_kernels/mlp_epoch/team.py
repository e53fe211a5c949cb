"""How many threads share the steps of an epoch: as many as measure fastest, found while the net trains.

The weights do not depend on the number, bit for bit. So nothing is trained on copies and thrown away: once a
first epoch has warmed everything up, the numbers of threads take turns for a few milliseconds now and then.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Hashable

from xpnet_kernels import _threads

WORTH_SHARING = 100_000
"""Multiplications of a step from which on it takes all threads until the number is measured."""

EPOCH_WORTH_SHARING = 10_000_000
"""The same of an epoch: below, it is over when a second thread has started."""

SURELY_WORTH_SHARING = 50_000_000
"""From here on, a millisecond of work, it takes all threads unmeasured."""

SECONDS = 0.01
"""How long one number of threads is measured at a time: long against the start of a thread.

Before that it makes steps for half as long unmeasured. A processor that was idle is slow to wake, above all a
virtual one: measured at once, two threads took up to twice their time.
"""

ROUNDS = 3
"""How many of the last rounds count: in each every number is measured once."""

SOON, LATER = 0.05, 1.0
"""Seconds of training from one round to the next, for the first ROUNDS and from then on: a machine's other
programs come and go."""

GAIN = 0.95
"""Of the time with fewer threads, what more of them must undercut: they lose most to a busy neighbour."""

Make = Callable[[int, int], float]
"""Makes the next steps with so many threads, so many steps; returns the seconds, infinite if told to stop."""


class Trial:
    """Numbers of threads that take turns now and then, in rounds, to see which is the fastest.

    Several nets may be trained at once; each call is whole.

    Parameters
    ----------
    most : int
        The largest number; tried are also 1, 2, 4 and so on below it.
    first : int
        The number until there is a round.

    Attributes
    ----------
    fastest : int
        The smallest number within GAIN of the fastest, each judged by its shortest time, which nothing else
        disturbed.
    """

    def __init__(self, most: int, first: int) -> None:
        self.numbers = sorted({most, *(2**n for n in range(most.bit_length()))})
        self.fastest = first
        self._rounds: deque[dict[int, float]] = deque(maxlen=ROUNDS)
        self._round: dict[int, float] | None = None
        self._step = self._since = self._seconds = 0.0
        self._made = 0
        self._lock = threading.Lock()

    def following(self, left: int) -> tuple[int, int]:
        """Return with how many threads to make the next steps, and how many of those that are left."""
        with self._lock:
            return self._following(left)

    def _following(self, left: int) -> tuple[int, int]:
        if self._step == 0:  # a first epoch has much to warm up
            return self.fastest, left
        if self._round is None:
            wait = round(((SOON if len(self._rounds) < ROUNDS else LATER) - self._since) / self._step)
            if wait > 0:
                return self.fastest, min(left, wait)
            self._round = {}
            self._begin(waking=True)
        # What would be left over, of the turn or of the epoch, is too short to measure.
        count = max(self._wanted - self._made, self._wanted // 2)
        return self.numbers[len(self._round)], left if left < 2 * count else count

    def _begin(self, waking: bool) -> None:
        """Plan the steps of a number, unmeasured or measured: in short epochs some in each."""
        self._waking, self._allowed = waking, SECONDS / 2 if waking else SECONDS
        self._wanted = max(1, round(self._allowed / self._step))
        self._made, self._seconds = 0, 0.0

    def note(self, number: int, count: int, seconds: float) -> None:
        """Take notice of how long so many steps took."""
        with self._lock:
            self._note(number, count, seconds)

    def _note(self, number: int, count: int, seconds: float) -> None:
        if self._round is None:
            self._step, self._since = seconds / count, self._since + seconds
            return
        if number != self.numbers[len(self._round)]:
            return  # of another net, which began before this number had its turn
        self._made, self._seconds = self._made + count, self._seconds + seconds
        if self._made < self._wanted and self._seconds < self._allowed:
            return
        if self._waking:
            self._begin(waking=False)
            return
        self._round[number] = self._seconds / self._made
        self._begin(waking=True)
        if len(self._round) == len(self.numbers):
            self._rounds.append(self._round)
            self._round, self._since = None, 0.0
            self.fastest = self._smallest()

    def _smallest(self) -> int:
        shortest = {number: min(one[number] for one in self._rounds) for number in self.numbers}
        enough = min(shortest.values()) / GAIN
        smallest: int = min(number for number, seconds in shortest.items() if seconds <= enough)
        return smallest


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
    if steps == 0 or _threads.chosen() is not None or multiplications >= SURELY_WORTH_SHARING:
        make(most, steps)
        return
    worth_it = multiplications >= WORTH_SHARING and steps * multiplications >= EPOCH_WORTH_SHARING
    first = most if worth_it else 1
    trial = _trials.setdefault((key, most), Trial(most, first))
    while steps > 0:
        number, count = trial.following(steps)
        seconds = make(number, count)
        if seconds == math.inf:
            return
        trial.note(number, count, seconds)
        steps -= count
