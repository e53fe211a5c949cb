"""Which implementation serves the arrays of a family: the reference, or the kernels of an engine.

The choice is process-wide, so that it holds from one notebook cell to the next and in every thread. A net
that was put on a backend of its own serves its calls by that one, for the length of the call and in the
calling thread only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

Engines = Mapping[str, str]
"""Family name -> engine name; a family that is absent is served by the reference."""

REFERENCE: Engines = {}
KERNELS: Engines = {"numpy": "numba", "cupy": "numba-cuda"}

_process_wide: Engines = KERNELS
_for_this_call: ContextVar[Engines | None] = ContextVar("engines", default=None)


def current() -> Engines:
    """Return the engines that serve a call made here and now."""
    chosen = _for_this_call.get()
    return _process_wide if chosen is None else chosen


def set_process_wide(engines: Engines) -> None:
    """Choose the engines for every thread of the process."""
    global _process_wide
    _process_wide = engines


def process_wide() -> Engines:
    """Return the process-wide choice."""
    return _process_wide


@contextmanager
def serving(engines: Engines | None) -> Iterator[None]:
    """Serve the calls of this block, in this thread, by `engines` (`None`: leave the choice as it is)."""
    token = _for_this_call.set(engines) if engines is not None else None
    try:
        yield
    finally:
        if token is not None:
            _for_this_call.reset(token)
