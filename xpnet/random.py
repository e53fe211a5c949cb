"""The host's random numbers: one generator, so that a seed means the same on every backend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

_generator = np.random.default_rng()
_for_this_block: ContextVar[np.random.Generator | None] = ContextVar("generator", default=None)


def seed(value: int | None) -> None:
    """Restart xpnet's generator, which initial weights, batch order and dropout masks are drawn from.

    Parameters
    ----------
    value : int or None
        The same value gives the same numbers on every backend; None takes a fresh seed from the system.
    """
    global _generator
    _generator = _made(value)


@contextmanager
def seeded(value: int | None) -> Iterator[None]:
    """Draw from a generator of its own within a `with` block and its thread; None keeps the one in force."""
    token = _for_this_block.set(None if value is None else _made(value))
    try:
        yield
    finally:
        _for_this_block.reset(token)


def generator(seed: int | None = None) -> np.random.Generator:
    """Return xpnet's generator or, given a seed, a new one of that seed."""
    return (_for_this_block.get() or _generator) if seed is None else _made(seed)


def _made(seed: int | None) -> np.random.Generator:
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise ValueError(f"seed is {seed!r}; it must be a whole number of at least 0, or None") from None
