"""Labelled images in one CSV file, as Kaggle's "Digit Recognizer" has them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from xpnet.datasets._csv_columns import Column, Form
from xpnet.datasets._csv_contents import refuse_label_again, refuse_row_numbers
from xpnet.datasets._csv_table import read_table
from xpnet.datasets._present import pixel_range, present
from xpnet.datasets._split import TEST_FRACTION, Rows, check_test_fraction, count_test_rows, split_rows
from xpnet.datasets._types import Dataset, Split


def from_csv(
    path: str | os.PathLike[str],
    *,
    label: Column | None = None,
    header: str | int | None = "infer",
    drop: Column | Iterable[Column] = (),
    test_fraction: float = TEST_FRACTION,
    seed: int = 0,
    normalize: bool = True,
    flatten: bool = True,
    one_hot: bool = False,
    image_shape: tuple[int, ...] | None = None,
) -> Dataset:
    """Load a CSV file with a column of labels and D columns of pixels, and split its rows.

    The form of Kaggle's "Digit Recognizer": ``label,pixel0,...,pixel783``, then one image a line, whole
    numbers 0..255. Lines of blanks are skipped, and ``-0`` is 0.

    Parameters
    ----------
    path : str or path
        The file, UTF-8 text, the fields separated by commas.
    label : str or int, optional
        The column of labels, by its name or by its number, counted from 0 (-1 is the last). By default the
        column named ``label``; in a file without a header the first that is not left out.
    header : {"infer", 0, None}
        As in pandas. None: there is no header, the first line is a sample. 0: the first line names the
        columns. "infer": the first line names them if it holds the label's name, or no numbers; if it looks
        like data, that is an error, so that no sample is lost.
    drop : str, int, or several
        Columns to leave out, by name or number, whatever they hold: an index, an id, a file name.
    test_fraction : float
        The part of the rows, 0 <= test_fraction < 1, that becomes the test part (rounded to whole rows).
        Where that is none, all rows stay in the file's order.
    seed : int
        Of the shuffle before the split, 0..2**32-1; the same seed gives the same split on every machine.
    normalize : bool
        True: float32, scaled so that the file's smallest pixel is 0 and its largest 1. False: the raw uint8
        pixels. (A net trained on raw 0..255 pixels with a usual learning rate learns next to nothing: try
        it.) Either way `Dataset.input_range` tells the two pixels.
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
        The file is missing, empty or has a bad line (which the message names); the first line looks like
        data; no column `label`; a column without a name (as pandas writes an index) or with the name of
        another; a column that numbers the rows or repeats the label.
    ValueError
        `test_fraction` leaves no training row, or `image_shape` does not fit D, or `label`, `header` and
        `drop` ask for what cannot be.

    Notes
    -----
    ``from_csv(path, test_fraction=0, normalize=False).train`` is the whole file as it is: raw pixels and
    labels, in the file's order.
    """
    path = Path(path)
    check_test_fraction("from_csv", test_fraction)
    form = Form(label, header, (drop,) if isinstance(drop, str | int) else tuple(drop))
    pixels, labels = _pixels_and_labels(path, form)
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


def _pixels_and_labels(path: Path, form: Form) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    columns, table = read_table(path, form)
    refuse_row_numbers(path, table, columns, label_given=form.label is not None)
    refuse_label_again(path, table, columns)
    return np.delete(table, [columns.label, *columns.dropped], axis=1), table[:, columns.label]


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
