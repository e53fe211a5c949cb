"""Read a CSV file of bytes fast, and say exactly what is wrong with one that cannot be read."""

from __future__ import annotations

import csv
import itertools
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

from xpnet.datasets._errors import DatasetError, bad_file

_WHOLE_NUMBER = re.compile(r"\s*[+-]?[0-9]+\s*")
_FIX = "Correct the file or remove that line."


def read_table(path: Path) -> tuple[list[str], npt.NDArray[np.uint8]]:
    """Read a CSV file with a header line and numbers 0..255 in every row.

    Returns
    -------
    header : list of str
        The names of the columns.
    table : ndarray
        (rows, columns) uint8.

    Raises
    ------
    DatasetError
        With file and line: no header, no rows, a row that is too long or short, a field that is not a whole
        number 0..255, or a file that cannot be read as UTF-8 text.
    """
    try:
        # utf-8-sig: spreadsheets put a byte-order mark in front of the first name.
        with path.open(encoding="utf-8-sig") as stream:
            header = _header(stream, path)
            table = _numbers(stream, len(header), path)
    except UnicodeDecodeError as error:
        raise bad_file(path, expected="UTF-8 text", found=str(error), fix="Save it as UTF-8.") from error
    except OSError as error:
        found = error.strerror or str(error)
        raise bad_file(path, expected="a CSV file", found=found, fix="Check the path.") from error
    return header, table


def _header(stream: TextIO, path: Path) -> list[str]:
    line = stream.readline()
    if not line.strip():
        found = "a blank line" if line else "an empty file"
        raise bad_file(_at(path, 1), expected="a header such as label,pixel0,...", found=found, fix=_FIX)
    return [name.strip() for name in next(csv.reader([line]))]


def _numbers(stream: TextIO, columns: int, path: Path) -> npt.NDArray[np.uint8]:
    first = next((line for line in stream if line.strip()), None)
    if first is None:
        fix = "Check that the file was copied whole."
        raise bad_file(path, expected="rows of numbers below the header", found="none", fix=fix)
    try:
        with warnings.catch_warnings():
            # NumPy 2.0 would read 1.7 as 1, with a DeprecationWarning that nobody is shown.
            warnings.simplefilter("error", DeprecationWarning)
            rows = itertools.chain([first], stream)
            table = np.loadtxt(rows, np.uint8, comments=None, delimiter=",", ndmin=2, quotechar='"')
    except UnicodeDecodeError:
        raise
    except (ValueError, DeprecationWarning) as error:
        raise _first_fault(path, columns) or bad_file(
            path, expected="rows of whole numbers 0..255", found=str(error), fix=_FIX
        ) from error
    if table.shape[1] != columns:
        raise _first_fault(path, columns) or bad_file(
            path, expected=f"{columns} numbers a row, as the header has", found=str(table.shape[1]), fix=_FIX
        )
    return table


def _first_fault(path: Path, columns: int) -> DatasetError | None:
    """Read the rows again, slowly, for the line that NumPy stumbled over."""
    # NumPy names a row too, but leaves blank lines out of its count.
    with path.open(encoding="utf-8-sig") as stream:
        for number, line in itertools.islice(enumerate(stream, 1), 1, None):
            if line.strip():
                for expected, found in _faults(next(csv.reader([line])), columns):
                    return bad_file(_at(path, number), expected=expected, found=found, fix=_FIX)
    return None


def _faults(fields: list[str], columns: int) -> Iterator[tuple[str, str]]:
    if len(fields) != columns:
        yield f"{columns} fields, as the header has", str(len(fields))
    for column, field in enumerate(fields, 1):
        # The length bound keeps int() from refusing thousands of digits with an error of its own.
        if not _WHOLE_NUMBER.fullmatch(field) or len(field) > 20 or not 0 <= int(field) <= 255:
            shown = field if len(field) <= 40 else field[:40] + "..."
            yield "whole numbers 0..255", f"{shown!r} in column {column}"


def _at(path: Path, line: int) -> str:
    return f"{path}, line {line}"
