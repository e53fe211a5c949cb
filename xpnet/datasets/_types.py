"""The result of every loader: a training and a test part."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy.typing as npt


class Split(NamedTuple):
    """Images and labels of one part, row `i` of one belonging to row `i` of the other.

    Attributes
    ----------
    x : ndarray
        (N, D), or (N, C, H, W) when not flattened; float32 in 0..1, or raw uint8 when not normalized.
    t : ndarray
        Class indices (N,) int64, or one-hot (N, C) float32.
    """

    x: npt.NDArray[Any]
    t: npt.NDArray[Any]


class _Parts(NamedTuple):
    train: Split
    test: Split


class Dataset(_Parts):
    """A training and a test part; unpacks as ``(x_train, t_train), (x_test, t_test)``.

    Parameters
    ----------
    train, test : Split
        The two parts. One of them may be empty.
    input_range : (float, float), optional
        See below.

    Attributes
    ----------
    train, test : Split
        The two parts.
    input_range : (float, float) or None
        The raw values that normalizing maps to 0 and 1: ``x = (raw - low) / (high - low)``. (0, 16) for the
        digits, (0, 255) for IDX files, the smallest and the largest pixel of a CSV file. It is the same with
        ``normalize=False``. None for a pair that no loader made. Copies and pickles keep it; it takes no part
        in a comparison.
    """

    input_range: tuple[float, float] | None = None

    def __new__(cls, train: Split, test: Split, input_range: tuple[float, float] | None = None) -> Self:
        """Make the pair; `input_range` is an attribute and no third item."""
        self = super().__new__(cls, train, test)
        self.input_range = input_range
        return self

    def _replace(self, /, **parts: Any) -> Self:
        """Return a copy with other parts and the same `input_range`."""
        copy = super()._replace(**parts)
        copy.input_range = self.input_range
        return copy
