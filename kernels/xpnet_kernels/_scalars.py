"""NumPy scalars: what host arrays without axes become in an operation, as in NumPy's own functions."""

from __future__ import annotations

from typing import Any

import numpy as np


def unboxed(value: Any) -> Any:
    """Return a NumPy array without axes as a NumPy scalar, also within a tuple; anything else as it is."""
    if isinstance(value, tuple):
        return tuple(unboxed(one) for one in value)
    return value[()] if type(value) is np.ndarray and value.ndim == 0 else value
