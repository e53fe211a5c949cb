"""Equally many threads for every contestant: the cores a process may use, and every library's own setting."""

from __future__ import annotations

import os

from xpnet_kernels import _threads

SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)

OURS = "XPNET_NUM_THREADS"
"""Left open in a process that keeps to its cores: xpnet measures how many to use, as its users have it."""


available = _threads.available


def environment(threads: int) -> dict[str, str]:
    """Return the environment variables that hold every library to so many threads at most."""
    ours = "" if hasattr(os, "sched_setaffinity") else str(threads)
    return {**dict.fromkeys(SETTINGS, str(threads)), OURS: ours}


def stay_on(threads: int) -> None:
    """Keep this process on as many cores: XLA and others size their pools by that, and obey nothing else."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[:threads])
