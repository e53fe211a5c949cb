"""A caller's array in the form that kernels on a GPU read: itself, or a copy renewed for every epoch."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array, namespace


class AsRead:
    """Data in row-major order, of a dtype, from an aligned address.

    Data that are streamed change between epochs in the place where they are: what was copied once would be
    those of another portion.

    Parameters
    ----------
    given : array
    dtype : dtype
        That the kernels read.
    alignment : int
        Of the address, in bytes; a whole number of items.

    Attributes
    ----------
    array : array
        What the kernels read, at one address for ever: `given` itself where its form is right.
    """

    def __init__(self, given: Array, dtype: Any, alignment: int = 1) -> None:
        right = given.dtype == dtype and given.flags.c_contiguous and _address(given) % alignment == 0
        self._given = given
        self.array = given if right else namespace(given).empty(given.shape, dtype=dtype)

    def renew(self) -> None:
        """Copy what the caller's array holds now, where there is a copy."""
        if self.array is not self._given:
            self.array[...] = self._given


def _address(array: Array) -> int:
    address: int = array.ctypes.data if isinstance(array, np.ndarray) else array.data.ptr
    return address
