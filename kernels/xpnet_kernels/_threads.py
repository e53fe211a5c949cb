"""How many threads the compiled CPU code may use.

The number holds for BLAS as well: `xpnet/_blas.py` sees to that, since this package imports NumPy only.
"""

from __future__ import annotations

import contextlib
import functools
import os

from xpnet_kernels._quota import processors_allowed

VARIABLE = "XPNET_NUM_THREADS"

_chosen: int | None = None


def processors() -> int:
    """Return how many processors this process may run on."""
    found = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        found = len(os.sched_getaffinity(0))
    if hasattr(os, "process_cpu_count"):  # Python 3.13; PYTHON_CPU_COUNT may say any number
        found = min(found, os.process_cpu_count() or found)
    return found


quota = functools.cache(processors_allowed)
"""Read once; see `processors_allowed`."""


def available() -> int:
    """Return how many processors' time this process may use: `processors`, or fewer by a quota."""
    allowed_time = quota()
    return processors() if allowed_time is None else min(allowed_time, processors())


def choose(threads: int | None) -> None:
    """Set how many threads the compiled CPU code uses, in place of XPNET_NUM_THREADS.

    Parameters
    ----------
    threads : int or None
        At least 1; None leaves it to the operation again, which takes as many as measure fastest. The
        weights do not depend on it, bit for bit.

    Raises
    ------
    ValueError
        If it is not a whole number above 0.
    """
    global _chosen
    _chosen = None if threads is None else _checked(threads, "the number of threads")


def _checked(threads: object, what: str) -> int:
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ValueError(f"{what} is {threads!r}; it must be a whole number above 0")
    return threads


def _from_environment() -> int | None:
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    return _checked(int(text) if text.isdecimal() else text, VARIABLE)


def chosen() -> int | None:
    """Return the number chosen, by `choose` or else by XPNET_NUM_THREADS, or None.

    Raises
    ------
    ValueError
        If XPNET_NUM_THREADS counts and is not a whole number above 0.
    """
    return _from_environment() if _chosen is None else _chosen


def allowed(enough_work: bool) -> int:
    """Return how many threads to use: the number chosen, else all where there is enough work for them."""
    if os.name != "posix":
        return 1  # waiting threads sleep with a POSIX call
    threads = chosen()
    if threads is not None:
        return threads
    return available() if enough_work else 1


def spread(me: int) -> None:
    """Move this thread to the `me`-th processor, where it may; then the system may move it as it likes."""
    if hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):  # a sandbox may forbid it, or take the processor away meanwhile
            allowed_here = os.sched_getaffinity(0)
            os.sched_setaffinity(0, {sorted(allowed_here)[me % len(allowed_here)]})
            os.sched_setaffinity(0, allowed_here)
