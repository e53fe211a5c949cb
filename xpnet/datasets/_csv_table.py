"""Read a CSV file of bytes fast, and say exactly what is wrong with one that cannot be read."""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from xpnet.datasets._csv_columns import Columns, Form, columns_of
from xpnet.datasets._csv_faults import decoding_fault, first_fault, separator_fault
from xpnet.datasets._csv_lines import filled, has_open_quote, is_blank, other_separator, split_line
from xpnet.datasets._errors import DatasetError, bad_file

_COPIED = "Check that the file was copied whole."
_MINUS_ZERO = re.compile(r"(?<![^\s,\"])-(?=0+[\s\"]*(,|$))")


def read_table(path: Path, form: Form) -> tuple[Columns, npt.NDArray[np.uint8]]:
    """Read a CSV file with numbers 0..255 in every row, and a header line or none.

    Lines of blanks are skipped, and ``-0`` is 0.

    Parameters
    ----------
    path : Path
        The file.
    form : Form
        Its header, its label, and the columns to leave out.

    Returns
    -------
    columns : Columns
        The columns by their numbers.
    table : ndarray
        (rows, columns) uint8; zeros in a column that is left out.

    Raises
    ------
    DatasetError
        With file and line: as `columns_of`; no rows; a row that is too long or short; fields that are not
        separated by commas; a field that is not a whole number 0..255; text that is not UTF-8.
    ValueError
        As `columns_of`.
    """
    try:
        # utf-8-sig: spreadsheets put a byte-order mark in front of the first name.
        with path.open(encoding="utf-8-sig") as stream:
            number, first = next(filled(stream), (1, ""))
            at = f"{path}, line {number}"
            if not first:
                raise bad_file(
                    at, expected="lines such as label,pixel0,...", found="an empty file", fix=_COPIED
                )
            if separator := other_separator(first):
                raise separator_fault(at, separator)
            columns = columns_of([name.strip() for name in split_line(first)], form, at)
            rows = stream if columns.names else itertools.chain([first], stream)
            return columns, _numbers(rows, columns, path)
    except UnicodeDecodeError as error:
        raise decoding_fault(path) from error
    except OSError as error:
        found = error.strerror or str(error)
        raise bad_file(path, expected="a CSV file", found=found, fix="Check the path.") from error


def _numbers(lines: Iterable[str], columns: Columns, path: Path) -> npt.NDArray[np.uint8]:
    rows = _readable(lines)
    try:
        if (first := next(rows, None)) is None:
            raise bad_file(path, expected="rows of numbers below the header", found="none", fix=_COPIED)
        with warnings.catch_warnings():
            # NumPy 2.0 would read 1.7 as 1, with a DeprecationWarning that nobody is shown.
            warnings.simplefilter("error", DeprecationWarning)
            table = np.loadtxt(
                itertools.chain([first], rows),
                np.uint8,
                comments=None,
                delimiter=",",
                converters=dict.fromkeys(columns.dropped, lambda _: 0) or None,
                ndmin=2,
                quotechar='"',
            )
    except (UnicodeDecodeError, DatasetError):
        raise
    except (ValueError, DeprecationWarning) as error:
        raise first_fault(path, columns) or _unreadable(path, str(error)) from error
    if table.shape[1] != columns.width:
        raise first_fault(path, columns) or _unreadable(path, f"{table.shape[1]} numbers a row")
    return table


def _readable(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines as NumPy can read them."""
    for line in lines:
        if is_blank(line):
            continue
        if "-" in line:
            line = _MINUS_ZERO.sub("", line)
        if '"' in line and has_open_quote(line):
            raise ValueError("an open quote")  # NumPy would read on in the next line
        yield line


def _unreadable(path: Path, found: str) -> Exception:
    return bad_file(path, expected="rows of whole numbers 0..255", found=found, fix="Correct the file.")
