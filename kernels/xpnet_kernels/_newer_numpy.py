"""A NumPy that is newer than numba-cuda: the name that it misses, for as long as it looks for it.

numba-cuda 0.30 registers `np.row_stack` when it compiles its first kernel, and NumPy 2.5 has dropped that
other name of `np.vstack`; numba-cuda will not follow (github.com/NVIDIA/numba-cuda/issues/907).
"""

from __future__ import annotations

import importlib

import numpy as np

DROPPED = "row_stack"
LOOKS_FOR_IT = "numba.cuda.np.arrayobj"


def teach_numba_cuda(simulated: bool) -> None:
    """Import what looks for the name while NumPy has it, and leave NumPy as it was.

    Numba's simulator compiles nothing, and misses nothing.
    """
    if simulated or hasattr(np, DROPPED):
        return
    setattr(np, DROPPED, np.vstack)
    try:
        importlib.import_module(LOOKS_FOR_IT)
    finally:
        delattr(np, DROPPED)
