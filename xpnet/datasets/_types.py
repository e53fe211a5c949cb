"""What every loader returns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy.typing as npt


class Split(NamedTuple):
    """Images and labels of one part, row `i` of one belonging to row `i` of the other.

    Attributes
    ----------
    x : ndarray
        (N, D), or (N, C, H, W) when not flattened; float32 in 0..1; when not normalized
        uint8, or float32 for the digits.
    t : ndarray
        Class indices (N,) int64, or one-hot (N, C) float32.
    """

    x: npt.NDArray[Any]
    t: npt.NDArray[Any]


class Dataset(NamedTuple):
    """A training and a test part; unpacks as ``(x_train, t_train), (x_test, t_test)``."""

    train: Split
    test: Split
