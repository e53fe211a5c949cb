"""Labelled images in one CSV file, as Kaggle's "Digit Recognizer" has them."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from xpnet.datasets._csv_table import read_table
from xpnet.datasets._errors import bad_file
from xpnet.datasets._present import pixel_range, present
from xpnet.datasets._split import TEST_FRACTION, Rows, count_test_rows, split_rows
from xpnet.datasets._types import Dataset, Split


def from_csv(
    path: str | os.PathLike[str],
    *,
    label: str = "label",
    test_fraction: float = TEST_FRACTION,
    seed: int = 0,
    normalize: bool = True,
    flatten: bool = True,
    one_hot: bool = False,
    image_shape: tuple[int, ...] | None = None,
) -> Dataset:
    """Load a CSV file with a header, a column of labels and D columns of pixels, and split its rows.

    The form of Kaggle's "Digit Recognizer": ``label,pixel0,...,pixel783``, then one image a line, whole
    numbers 0..255.

    Parameters
    ----------
    path : str or path
        The file.
    label : str
        The name of the label's column; all others are pixels, row by row.
    test_fraction : float
        The part of the rows, 0 <= test_fraction < 1, that becomes the test part (rounded to whole rows).
    seed : int
        Of the shuffle before the split, 0..2**32-1; the same seed gives the same split on every machine.
    normalize : bool
        True: float32, scaled so that the file's smallest pixel is 0 and its largest 1. False: the raw uint8
        pixels. (A net trained on raw 0..255 pixels with a usual learning rate learns next to nothing: try
        it.)
    flatten : bool
        True: images as rows (N, D). False: (N, C, H, W).
    one_hot : bool
        True: labels (N, largest label + 1) float32. False: class indices (N,) int64.
    image_shape : tuple of int, optional
        (H, W) or (C, H, W), for ``flatten=False``. By default one channel and a square.

    Returns
    -------
    Dataset
        ``(x_train, t_train), (x_test, t_test)``, NumPy arrays.

    Raises
    ------
    DatasetError
        The file is missing, empty or has a bad line (which the message names), or no column `label`.
    ValueError
        `test_fraction` leaves no training row, or `image_shape` does not fit D.
    """
    path = Path(path)
    pixels, labels = _pixels_and_labels(path, label)
    images = pixels.reshape(-1, *_channels_first(image_shape, pixels.shape[1], flatten))
    input_range = pixel_range(pixels)
    classes = int(labels.max()) + 1

    def part(rows: Rows) -> Split:
        return present(
            images[rows],
            labels[rows],
            input_range=input_range,
            classes=classes,
            normalize=normalize,
            flatten=flatten,
            one_hot=one_hot,
        )

    test_count = count_test_rows("from_csv", len(labels), test_fraction)
    train, test = split_rows(len(labels), test_count, seed)
    return Dataset(part(train), part(test), input_range)


def _pixels_and_labels(path: Path, label: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    header, table = read_table(path)
    names = ", ".join(header[:5]) + (", ..." if len(header) > 5 else "")
    if label not in header:
        raise bad_file(
            f"{path}, line 1",
            expected=f"a column named {label!r}",
            found=f"the columns {names}",
            fix="Name the column of labels: label=...; a file without labels cannot be trained on.",
        )
    if len(header) < 2:
        raise bad_file(
            f"{path}, line 1", expected="columns of pixels", found=f"only {names}", fix="Check the file."
        )
    column = header.index(label)
    return np.delete(table, column, axis=1), table[:, column]


def _channels_first(image_shape: tuple[int, ...] | None, pixels: int, flatten: bool) -> tuple[int, ...]:
    if image_shape is None:
        side = math.isqrt(pixels)
        if side * side == pixels:
            return 1, side, side
        if flatten:
            return 1, 1, pixels
        raise ValueError(
            f"from_csv: {pixels} pixels are no square; give image_shape=(H, W) or (C, H, W), of that product."
        )
    if len(image_shape) not in (2, 3) or min(image_shape) < 1 or math.prod(image_shape) != pixels:
        raise ValueError(
            f"from_csv: image_shape must be (H, W) or (C, H, W) with the product {pixels}, "
            f"the pixels in a row; {image_shape} is not."
        )
    return image_shape if len(image_shape) == 3 else (1, *image_shape)
