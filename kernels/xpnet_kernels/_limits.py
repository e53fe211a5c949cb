"""The sizes of grids and blocks that CUDA launches, the same on every GPU that numba-cuda compiles for.

They are those of "Features and Technical Specifications" in the CUDA C++ Programming Guide. The simulator
launches any size, so a kernel is checked against them wherever it runs.
"""

from __future__ import annotations

import math
from typing import Any

MOST_BLOCKS = 2**31 - 1, 65_535, 65_535
"""Blocks of a grid along x, y and z."""

MOST_THREADS = 1024, 1024, 64
"""Threads of a block along x, y and z."""

MOST_THREADS_IN_ALL = 1024
"""Threads of a block."""


def check_launch(kernel: Any, grid: Any, block: Any) -> None:
    """Raise ValueError unless CUDA can launch a kernel over `grid` blocks of `block` threads.

    Parameters
    ----------
    kernel : kernel of numba.cuda
    grid, block : int, or tuple of up to three int
        Sizes along x, y and z.
    """
    for unit, sizes, most in (("blocks", grid, MOST_BLOCKS), ("threads", block, MOST_THREADS)):
        along = sizes if isinstance(sizes, tuple) else (sizes,)
        if any(not 1 <= size <= limit for size, limit in zip(along, most, strict=False)):
            raise ValueError(
                f"{_name(kernel)} would be launched with {along} {unit} along x, y, z, where CUDA takes 1 to "
                f"{most[0]}, {most[1]} and {most[2]}; divide the work otherwise, the longest axis along x."
            )
    threads = math.prod(block) if isinstance(block, tuple) else block
    if threads > MOST_THREADS_IN_ALL:
        raise ValueError(
            f"{_name(kernel)} would be launched with {threads} threads in a block, where CUDA takes "
            f"{MOST_THREADS_IN_ALL}; take smaller blocks and more of them."
        )


def _name(kernel: Any) -> str:
    return str(getattr(kernel, "__name__", kernel))
