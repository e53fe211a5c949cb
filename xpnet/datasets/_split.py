"""Split rows into a training and a test part, the same way for ever."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.intp] | slice

TEST_FRACTION = 0.3


def check_test_fraction(loader: str, test_fraction: float) -> None:
    """Raise ValueError, in the name of a loader, unless 0 <= test_fraction < 1."""
    if not 0 <= test_fraction < 1:
        raise ValueError(f"{loader}: test_fraction must be at least 0 and below 1, not {test_fraction!r}.")


def count_test_rows(loader: str, count: int, test_fraction: float) -> int:
    """Return how many of `count` rows are for the test part.

    Parameters
    ----------
    loader : str
        Who asks, for an error.
    count : int
        Rows in all.
    test_fraction : float
        0 <= test_fraction < 1.

    Raises
    ------
    ValueError
        `test_fraction` is out of range, or leaves no training row.
    """
    check_test_fraction(loader, test_fraction)
    test_count = round(count * test_fraction)
    if test_count == count:
        raise ValueError(
            f"{loader}: test_fraction={test_fraction} of {count} rows leaves no row to train on; "
            "give a smaller fraction or more rows."
        )
    return test_count


def split_rows(count: int, test_count: int, seed: int) -> tuple[Rows, Rows]:
    """Return the shuffled row numbers of the training part and of the test part.

    Without a test part there is nothing to split, and all rows stay in their order.

    Parameters
    ----------
    count, test_count : int
        Rows in all, and rows for the test part.
    seed : int
        0..2**32-1.

    Returns
    -------
    train, test : ndarray or slice
        What to index the rows with, for (count - test_count,) and (test_count,) of them.
    """
    if not test_count:
        return slice(count), slice(0)
    # RandomState is frozen by NumPy's policy (NEP 19), Generator is not: a published accuracy must stay
    # comparable.
    order = np.random.RandomState(seed).permutation(count)
    return order[test_count:], order[:test_count]
