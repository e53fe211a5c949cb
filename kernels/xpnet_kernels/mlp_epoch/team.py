"""How many threads share the steps of an epoch: as many as measure fastest, found while the net trains.

The weights do not depend on the number, bit for bit. So nothing is trained on copies and thrown away: the
first steps of an epoch are made by one number of threads after another, and the rest by the fastest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable

from xpnet_kernels import _threads

WORTH_SHARING = 100_000
"""Multiplications of a step from which on it takes all threads where there are too few steps to measure."""

SURELY_WORTH_SHARING = 50_000_000
"""From here on, a millisecond of work, it takes all threads unmeasured."""

PROBE = 4
"""Steps that tell how long one takes."""

SECONDS = 0.004
"""How long one number of threads is measured at a time: long against the start of a thread."""

ROUNDS = 2

GAIN = 0.95
"""Of the time with fewer threads, what more of them must undercut: they lose most to a busy neighbour."""

Make = Callable[[int, int], float]
"""Makes the next steps with so many threads, so many steps; returns the seconds, infinite if told to stop."""

_fastest: dict[Hashable, int] = {}


def fastest(make: Make, steps: int, multiplications: int, key: Hashable) -> int:
    """Return how many threads to make the rest of an epoch with, having made some of its steps.

    Parameters
    ----------
    make : callable
    steps : int
        Those that there are; not all of them are made.
    multiplications : int
        Of one step.
    key : hashable
        What the number is remembered for, as long as this process lives.

    Returns
    -------
    int
        The number chosen by the user (`_threads.chosen`) or else the one that measures fastest.
    """
    most = _threads.allowed(enough_work=True)
    if most == 1 or _threads.chosen() is not None or multiplications >= SURELY_WORTH_SHARING:
        return most
    if key not in _fastest:
        found = _measured(make, steps, _numbers(most))
        if found is None:
            return most if multiplications >= WORTH_SHARING else 1
        _fastest[key] = found
    return min(_fastest[key], most)


def _numbers(most: int) -> list[int]:
    """Return the numbers of threads that are worth a trial: doubled each time, and all."""
    return sorted({most, *(2**n for n in range(most.bit_length()))})


def _measured(make: Make, steps: int, numbers: list[int]) -> int | None:
    """Return the number of threads that is fastest, or None if the steps do not suffice to tell."""
    if steps < 2 * PROBE:
        return None
    make(1, PROBE)  # the first time, whatever is cold
    count = max(PROBE, math.ceil(SECONDS * PROBE / make(1, PROBE)))
    if steps < 2 * PROBE + ROUNDS * len(numbers) * count:
        return None
    seconds = dict.fromkeys(numbers, math.inf)
    for _ in range(ROUNDS):
        for number in numbers:
            seconds[number] = min(seconds[number], make(number, count))
    if math.inf in seconds.values():
        return None
    best = 1
    for number in numbers:
        if seconds[number] < GAIN * seconds[best]:
            best = number
    return best
