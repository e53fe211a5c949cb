"""How many threads the compiled CPU code may use."""

from __future__ import annotations

import os

_chosen: int | None = None


def available() -> int:
    """Return how many processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose(threads: int | None) -> None:
    """Set how many threads may be used; None leaves it to the operation again."""
    global _chosen
    _chosen = threads


def allowed(enough_work: bool) -> int:
    """Return how many threads to use: the number chosen, else all where there is enough work for them."""
    if os.name != "posix":
        return 1  # waiting threads yield with a POSIX call
    if _chosen is not None:
        return _chosen
    return available() if enough_work else 1
