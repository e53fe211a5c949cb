"""The host's random numbers: one generator, so that a seed means the same on every backend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_generator = np.random.default_rng()


def seed(value: int | None) -> None:
    """Restart xpnet's generator, which initial weights, batch order and dropout masks are drawn from.

    Parameters
    ----------
    value : int or None
        The same value gives the same numbers on every backend; None takes a fresh seed from the system.
    """
    global _generator
    _generator = np.random.default_rng(value)


@contextmanager
def seeded(value: int | None) -> Iterator[np.random.Generator]:
    """Draw from a generator of its own within a `with` block; None keeps the one in force."""
    global _generator
    before = _generator
    if value is not None:
        _generator = np.random.default_rng(value)
    try:
        yield _generator
    finally:
        _generator = before


def generator(seed: int | None = None) -> np.random.Generator:
    """Return xpnet's generator or, given a seed, a new one of that seed."""
    return _generator if seed is None else np.random.default_rng(seed)
