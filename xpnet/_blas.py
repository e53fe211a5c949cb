"""One number of threads for the compiled code and for BLAS, so that the two never crowd each other out.

The compiled code reads the number before every epoch. BLAS has a pool of its own (OpenBLAS in NumPy's wheels;
MKL, BLIS), which `threadpoolctl` sets when the number changes, and not on the way to every product.
"""

from __future__ import annotations

import importlib
import os
import threading
import warnings
from typing import Any

from xpnet_kernels import _threads

_VARIABLES = tuple(f"{name}_NUM_THREADS" for name in ("OPENBLAS", "GOTO", "MKL", "BLIS", "OMP"))
"""What gives BLAS a number of its own."""

_lock = threading.Lock()
_held: int | None = None
_limits: Any = None
_missed = False


def set_num_threads(threads: int | None) -> None:
    """Set how many threads xpnet computes with on the CPU: its compiled code and NumPy's BLAS alike.

    It takes the place of XPNET_NUM_THREADS and holds for the whole process, BLAS included, from now on.

    Parameters
    ----------
    threads : int or None
        At least 1. None goes back to XPNET_NUM_THREADS or, where that is not set, takes what measures
        fastest for compiled epochs, and lets BLAS go by its own number again, or by a container's CPU quota
        if that is less. The weights of compiled epochs do not depend on it, bit for bit.

    Raises
    ------
    ValueError
        If it is not a whole number above 0.

    Warns
    -----
    RuntimeWarning
        Once, if threadpoolctl is not installed: the number then holds for the compiled code only.

    Notes
    -----
    Apple's Accelerate has no such setting: there BLAS goes by its own number always.
    """
    _threads.choose(threads)
    follow()


def follow() -> None:
    """Hold BLAS to the number in force; where none is, give it back the number it had.

    In a container whose quota is less than its processors, BLAS is held to the quota where nobody has chosen
    a number: of more threads, all are stopped together. Does nothing while the number is what it was, so that
    BLAS limits that somebody else sets stay.

    Warns
    -----
    RuntimeWarning
        Once, if BLAS should be held to a number and threadpoolctl is not installed.

    Raises
    ------
    ValueError
        If XPNET_NUM_THREADS counts and is not a whole number above 0.
    """
    global _held, _limits
    chosen = _threads.chosen()
    threads = _quota() if chosen is None else chosen
    if threads == _held:
        return
    with _lock:
        if _limits is not None:
            _limits.restore_original_limits()
            _limits = None
        if threads is not None:
            _limits = _limited(threads, only_fewer=chosen is None)
        _held = threads


def _quota() -> int | None:
    """Return the number that a quota asks for, or None if it asks for nothing, or BLAS has its own number."""
    quota = _threads.quota()
    if quota is None or any(os.environ.get(name) for name in _VARIABLES):
        return None
    return quota if quota < _threads.processors() else None


def _limited(threads: int, only_fewer: bool) -> Any:
    """Hold BLAS to so many threads; return what gives it back the number it had, or None."""
    try:
        threadpoolctl = importlib.import_module("threadpoolctl")
    except ImportError:
        _say_what_is_missing()
        return None
    pools = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    if only_fewer and all(pool["num_threads"] <= threads for pool in pools):
        return None
    return threadpoolctl.threadpool_limits(threads, user_api="blas")


def _say_what_is_missing() -> None:
    global _missed
    if not _missed:
        _missed = True
        warnings.warn(
            "xpnet: threadpoolctl is not installed, so the number of threads holds for compiled code only, "
            "and NumPy's BLAS goes by its own: pip install threadpoolctl, or set OPENBLAS_NUM_THREADS (or "
            "the variable of another BLAS) before Python starts",
            RuntimeWarning,
            stacklevel=3,
        )
