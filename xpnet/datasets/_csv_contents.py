"""Columns of a CSV file that hold no pixels: the numbers of the rows, the label once more."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from xpnet.datasets._csv_columns import Columns
from xpnet.datasets._errors import DatasetError, bad_file

_COUNTER = re.compile(r"(row|image|img|sample)?[ _-]?(id|idx|index|no|nr|number)", re.IGNORECASE)
# A column of pixels that is 0, 1, 2, 3, 4 by chance has a probability of 256**-5. Up to ten rows may be the
# ten digits in their order.
_FEWEST_ROWS, _FEWEST_LABELS = 5, 11
# A binary label may equal a pixel in a table for practice.
_FEWEST_CLASSES = 3


def refuse_row_numbers(
    path: Path, table: npt.NDArray[np.uint8], columns: Columns, *, label_given: bool
) -> None:
    """Raise `DatasetError` where a column numbers the rows.

    Such are a column 0, 1, 2, ... or 1, 2, 3, ..., and one called id, index or the like that holds no number
    twice. The label is one of them where the caller did not say which column it is.

    Parameters
    ----------
    path : Path
        For the error.
    table : ndarray
        (rows, columns) uint8.
    columns : Columns
    label_given : bool
        Whether the caller named the label.
    """
    rows = len(table)
    if not _FEWEST_ROWS <= rows <= 256:  # 256 numbers fit into a byte
        return
    steps = np.arange(rows)[:, None]
    counts = (table == steps).all(axis=0) | (table == steps + 1).all(axis=0)
    for column in columns.pixels:
        named = columns.names and _COUNTER.fullmatch(columns.names[column])
        if counts[column] or (named and len(np.unique(table[:, column])) == rows):
            raise row_numbers(path, columns, column)
    if counts[columns.label] and not label_given and not columns.names and rows >= _FEWEST_LABELS:
        raise bad_file(
            path,
            expected=f"labels in {columns.called(columns.label)}",
            found="the numbers of the rows",
            fix=f"If it is an index, leave it out: {columns.without(columns.label)}. If these are labels, "
            f"say so: label={columns.label}, --label {columns.label}.",
        )


def row_numbers(path: Path, columns: Columns, column: int) -> DatasetError:
    """Make (not raise) the error for a column that numbers the rows."""
    return bad_file(
        path,
        expected=f"pixels in {columns.called(column)}",
        found="the numbers of the rows, as an index or an id has them",
        fix=f"Leave the column out: {columns.without(column)}.",
    )


def refuse_label_again(path: Path, table: npt.NDArray[np.uint8], columns: Columns) -> None:
    """Raise `DatasetError` where a column of pixels equals the label in every row.

    Only of files with eleven rows and three classes or more.
    """
    labels = table[:, columns.label]
    if len(labels) < _FEWEST_LABELS or len(np.unique(labels)) < _FEWEST_CLASSES:
        return
    head = slice(64)  # settles it for nearly all columns
    alike = (table[head] == labels[head, None]).all(axis=0)
    for column in columns.pixels:
        if alike[column] and np.array_equal(table[:, column], labels):
            raise bad_file(
                path,
                expected=f"pixels in {columns.called(column)}",
                found=f"the same numbers as in {columns.called(columns.label)}, the label",
                fix=f"A net would read the label there. Leave it out: {columns.without(column)}.",
            )
