"""How wide this processor's vectors are, and how large a tile of a product fits into its registers."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from xpnet_kernels import _jit


@functools.cache
def vector_bytes() -> int:
    """Return the width of this processor's widest vectors in bytes; 16 where it is unknown."""
    features = _jit.host_features()
    if features.get("avx512f"):
        return 64
    return 32 if features.get("avx2") and features.get("fma") else 16


def lanes(dtype: Any) -> int:
    """Return how many numbers of `dtype` a vector holds."""
    return int(vector_bytes() // np.dtype(dtype).itemsize)


def tile_side() -> int:
    """Return how many rows a tile has, and vectors at most: 25 of AVX-512's 32 registers, or 9 of 16."""
    return 5 if vector_bytes() == 64 else 3
