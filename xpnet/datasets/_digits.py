"""The built-in data set: 1,797 handwritten digits of 8x8 pixels."""

from __future__ import annotations

import gzip
from importlib import resources

import numpy as np

from xpnet.datasets._present import present
from xpnet.datasets._split import Rows, split_rows
from xpnet.datasets._types import Dataset, Split

TRAIN, TEST = 1437, 360
SHAPE = (1, 8, 8)
CLASSES = 10
INPUT_RANGE = 0, 16

_SPLIT_SEED = 0


def digits(*, normalize: bool = True, flatten: bool = True, one_hot: bool = False) -> Dataset:
    """Load the digits that come with xpnet: 1,437 training and 360 test images, no download.

    The split is a fixed shuffle (NumPy's RandomState, seed 0; its first 360 rows are the test part).

    Parameters
    ----------
    normalize : bool
        True: float32 pixels in 0..1. False: the raw uint8 values in 0..16.
    flatten : bool
        True: images as rows (N, 64). False: (N, 1, 8, 8).
    one_hot : bool
        True: labels (N, 10) float32. False: class indices (N,) int64.

    Returns
    -------
    Dataset
        ``(x_train, t_train), (x_test, t_test)``, NumPy arrays.

    Notes
    -----
    The test part of "Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak, 1998, UCI Machine
    Learning Repository, https://doi.org/10.24432/C50P49, licensed under CC BY 4.0.

    Examples
    --------
    >>> (x_train, t_train), (x_test, t_test) = digits()
    >>> x_train.shape, t_test.shape
    ((1437, 64), (360,))
    """
    packed = resources.files("xpnet.datasets").joinpath("data/digits.csv.gz")
    with packed.open("rb") as raw, gzip.open(raw, "rt", encoding="ascii") as stream:
        table = np.loadtxt(stream, dtype=np.uint8, delimiter=",")

    def part(rows: Rows) -> Split:
        return present(
            table[rows, :-1].reshape(-1, *SHAPE),
            table[rows, -1],
            input_range=INPUT_RANGE,
            classes=CLASSES,
            normalize=normalize,
            flatten=flatten,
            one_hot=one_hot,
        )

    train, test = split_rows(len(table), TEST, _SPLIT_SEED)
    return Dataset(part(train), part(test), INPUT_RANGE)
