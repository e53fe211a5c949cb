"""Split rows into a training and a test part, the same way for ever."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.intp]


def split_rows(count: int, test_count: int, seed: int) -> tuple[Rows, Rows]:
    """Return the shuffled row numbers of the training part and of the test part.

    Parameters
    ----------
    count, test_count : int
        Rows in all, and rows for the test part.
    seed : int
        0..2**32-1.

    Returns
    -------
    train, test : ndarray
        (count - test_count,) and (test_count,).
    """
    # RandomState is frozen by NumPy's policy (NEP 19), Generator is not: a published accuracy must stay
    # comparable.
    order = np.random.RandomState(seed).permutation(count)
    return order[test_count:], order[:test_count]
