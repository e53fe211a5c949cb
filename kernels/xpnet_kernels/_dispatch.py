"""Which implementation serves the arrays of a family: the reference, or the kernels of an engine.

The choice is process-wide, so that it holds from one notebook cell to the next and in every thread. A net
that was put on a backend of its own serves its calls by that one, for the length of the call and in the
calling thread only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

Engines = Mapping[str, str]
"""Family name -> engine name; a family that is absent is served by the reference."""

REFERENCE: Engines = {}
_kernels = {"numpy": "numba", "cupy": "numba-cuda"}
KERNELS: Engines = _kernels

_process_wide: Engines | None = None
_choose: Callable[[], Engines] | None = None
_for_this_call: ContextVar[Engines | None] = ContextVar("engines", default=None)


def current() -> Engines:
    """Return the engines that serve a call made here and now."""
    chosen = _for_this_call.get()
    if chosen is not None:
        return chosen
    if _process_wide is None:
        set_process_wide(KERNELS if _choose is None else _choose())
    assert _process_wide is not None
    return _process_wide


def set_process_wide(engines: Engines | None) -> None:
    """Choose the engines for every thread of the process; None asks again when they are next needed."""
    global _process_wide
    _process_wide = engines


def serve_numpy_by_kernels(kernels: bool) -> None:
    """Let KERNELS serve NumPy arrays by kernels or, where these cannot be compiled, by the reference."""
    if kernels:
        _kernels["numpy"] = "numba"
    else:
        _kernels.pop("numpy", None)


def choose_with(choose: Callable[[], Engines]) -> None:
    """Ask `choose` for the process-wide engines when they are first needed."""
    global _choose
    _choose = choose


@contextmanager
def serving(engines: Engines) -> Iterator[None]:
    """Serve the calls of this block, in this thread, by `engines`."""
    token = _for_this_call.set(engines)
    try:
        yield
    finally:
        _for_this_call.reset(token)
