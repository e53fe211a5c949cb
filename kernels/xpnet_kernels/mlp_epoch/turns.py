"""The turns of a round: some steps with each of several numbers of threads, measured."""

from __future__ import annotations

import math

SECONDS = 0.01
"""How long one number of threads is measured at a time: long against the start of a thread.

Before that it makes steps for half as long unmeasured. A processor that was idle is slow to wake, above all a
virtual one: measured at once, two threads took up to twice their time.
"""

SLOWER = 1.25
"""Times the least time from which on still more threads are not tried."""

MUCH_SLOWER, START = 3.0, 1e-4
"""Times the least time, besides SECONDS to wake and the seconds that each thread takes to start, from which
on a number is given up in the midst of its turn."""

PROBE = 4
"""Steps that a larger number makes at first, then as many again, and so on: where it has more threads than
there are processors, a step may take several milliseconds."""


class Round:
    """Turns of some numbers of threads, from the smallest up.

    Parameters
    ----------
    numbers : list of int
        In ascending order.
    known : int
        Larger numbers are tried with a few steps before their turn.
    step : float
        Seconds that a step takes with the known number.
    first : dict, optional
        In a first epoch, what is known already: seconds of a step by number.

    Attributes
    ----------
    seconds : dict
        Of a step, by number.
    given_up : int or None
        The number that was much slower.
    cost : float
        Seconds that the round has taken.
    over : bool
    """

    def __init__(
        self, numbers: list[int], known: int, step: float, first: dict[int, float] | None = None
    ) -> None:
        self.is_first, self.seconds = first is not None, dict(first or {})
        self.given_up: int | None = None
        self.cost, self.over = 0.0, False
        self._numbers, self._known, self._step = numbers, known, step
        self._begin_turn()

    def _begin_turn(self) -> None:
        self._number, *self._numbers = self._numbers
        self._tried, self._taken, self._enough = 0, 0.0, SECONDS
        self._begin_phase(waking=True)

    def _begin_phase(self, waking: bool) -> None:
        """Plan the steps of a number, unmeasured or measured: in short epochs some in each."""
        self._waking, self._allowed = waking, SECONDS / 2 if waking else SECONDS
        self._wanted = max(1, round(self._allowed / self._step))
        self._made, self._spent = 0, 0.0

    def following(self, left: int) -> tuple[int, int]:
        """Return as `Trial.following` does."""
        # What would be left over, of the phase or of the epoch, is too short to measure.
        count = max(self._wanted - self._made, self._wanted // 2)
        if self._number > self._known:
            return self._number, min(left, count, max(PROBE, self._tried))
        return self._number, left if left < 2 * count else count

    def note(self, number: int, count: int, seconds: float) -> None:
        """Take notice of how long so many steps took."""
        if number != self._number:
            return  # of another net, which began before this number had its turn
        self.cost += seconds
        self._made, self._spent = self._made + count, self._spent + seconds
        if number > self._known and self._is_much_slower(count, seconds):
            self.seconds[number] = self._spent / self._made
            self.given_up, self.over = number, True
        elif self._made >= self._wanted or self._spent >= self._allowed:
            self._end_phase()

    def _is_much_slower(self, count: int, seconds: float) -> bool:
        least = min(self.seconds.values(), default=self._step)
        self._enough += MUCH_SLOWER * count * least + self._number * START
        self._tried, self._taken = self._tried + count, self._taken + seconds
        return self._taken > self._enough

    def _end_phase(self) -> None:
        if self._waking:
            self._begin_phase(waking=False)
            return
        least = min(self.seconds.values(), default=math.inf)
        seconds = self.seconds[self._number] = self._spent / self._made
        if self._numbers and seconds <= SLOWER * least:
            self._begin_turn()
        else:
            self.over = True
