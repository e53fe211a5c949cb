"""One number of threads for the compiled code and for BLAS, so that the two never crowd each other out.

The compiled code reads the number before every epoch. BLAS has a pool of its own (OpenBLAS in NumPy's wheels;
MKL, BLIS), which `threadpoolctl` sets when the number changes, and not on the way to every product.
"""

from __future__ import annotations

import threading
from typing import Any

from xpnet_kernels import _threads

_lock = threading.Lock()
_held: int | None = None
_limits: Any = None


def set_num_threads(threads: int | None) -> None:
    """Set how many threads xpnet computes with on the CPU: its compiled code and NumPy's BLAS alike.

    It takes the place of XPNET_NUM_THREADS and holds for the whole process, BLAS included, from now on.

    Parameters
    ----------
    threads : int or None
        At least 1. None goes back to XPNET_NUM_THREADS or, where that is not set, takes what measures
        fastest for compiled epochs, and lets BLAS go by its own number again. The weights of compiled epochs
        do not depend on it, bit for bit.

    Raises
    ------
    ValueError
        If it is not a whole number above 0.

    Notes
    -----
    Apple's Accelerate has no such setting: there BLAS goes by its own number always.
    """
    _threads.choose(threads)
    follow()


def follow() -> None:
    """Hold BLAS to the number in force; where none is, give it back the number it had.

    Does nothing while the number is what it was, so that BLAS limits that somebody else sets stay.

    Raises
    ------
    ValueError
        If XPNET_NUM_THREADS counts and is not a whole number above 0.
    """
    global _held, _limits
    threads = _threads.chosen()
    if threads == _held:
        return
    with _lock:
        if _limits is not None:
            _limits.restore_original_limits()
            _limits = None
        if threads is not None:
            from threadpoolctl import threadpool_limits

            _limits = threadpool_limits(threads, user_api="blas")
        _held = threads
