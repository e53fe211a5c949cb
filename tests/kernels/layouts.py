"""The same values in every memory layout that a kernel may meet."""

import numpy as np


def contiguous(xp, values):
    """Copy `values` in C order."""
    return xp.array(values, order="C")


def fortran(xp, values):
    """Copy `values` in Fortran order."""
    return xp.array(values, order="F")


def strided(xp, values):
    """Copy `values` into every second place of a larger array, backwards along every axis."""
    gap = np.nan if values.dtype.kind == "f" else 1
    spaced = xp.full(tuple(2 * size for size in values.shape), gap, dtype=values.dtype)
    view = spaced[(slice(None, None, -2),) * values.ndim]
    view[...] = xp.asarray(values)
    return view


LAYOUTS = {"contiguous": contiguous, "fortran": fortran, "strided": strided}


def laid_out(xp, layout, arrays):
    """Copy a sample's arrays into `layout`; `None` stays `None`."""
    return tuple(None if array is None else LAYOUTS[layout](xp, array) for array in arrays)
