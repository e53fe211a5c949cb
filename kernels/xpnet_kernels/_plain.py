"""Plain arrays: what NumPy's subclasses become before anything is computed with them."""

from __future__ import annotations

from typing import Any

import numpy as np

MASKED = "masked arrays are not accepted; fill the gaps first, e.g. with x.filled(0)"


def plain(values: Any) -> Any:
    """Return a NumPy array of a subclass as a `numpy.ndarray` of the same memory; anything else as it is.

    Kernels are compiled for `numpy.ndarray`: a subclass (a mapped file, a matrix) may have arithmetic of its
    own, or none that they know.

    Raises
    ------
    TypeError
        If it is a masked array: which numbers should stand in the gaps is not known here.
    """
    if type(values) is np.ndarray or not isinstance(values, np.ndarray):
        return values
    if isinstance(values, np.ma.MaskedArray):
        raise TypeError(MASKED)
    return values.view(np.ndarray)
