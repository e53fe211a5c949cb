"""Faults of a CSV file, with the line that each is in."""

from __future__ import annotations

import re
from pathlib import Path

from xpnet.datasets._csv_columns import Columns
from xpnet.datasets._csv_contents import row_numbers
from xpnet.datasets._csv_lines import filled, has_open_quote, other_separator, split_line
from xpnet.datasets._errors import DatasetError, bad_file

_WHOLE_NUMBER = re.compile(r"\s*([+-]?[0-9]+)\s*")
_FIX = "Correct the file or remove that line."
_COMPRESSED = {b"\x1f\x8b": "a gzip file", b"PK": "a zip file or a spreadsheet"}
_UTF_16 = b"\xff\xfe", b"\xfe\xff"
_LONGEST = 20
"""Digits that int() need not refuse with an error of its own."""


def separator_fault(at: str, separator: str) -> DatasetError:
    """Make (not raise) the error for fields that are not separated by commas."""
    return bad_file(
        at,
        expected="fields separated by commas",
        found=f"{separator} between them",
        fix="Save the file with commas: pandas.read_csv(path, sep=...).to_csv(path, index=False), say.",
    )


def first_fault(path: Path, columns: Columns) -> DatasetError | None:
    """Read the rows slowly, for the first line that NumPy cannot read.

    NumPy names a row too, but leaves blank lines out of its count.
    """
    with path.open(encoding="utf-8-sig") as stream:
        lines = filled(stream)
        if columns.names:
            next(lines)
        for number, line in lines:
            if fault := _line_fault(path, f"{path}, line {number}", line, columns):
                return fault
    return None


def _line_fault(path: Path, at: str, line: str, columns: Columns) -> DatasetError | None:
    fields = split_line(line)
    if has_open_quote(line):
        return bad_file(at, expected="fields that end in their line", found="an open quote", fix=_FIX)
    if len(fields) != columns.width:
        if separator := other_separator(line):
            return separator_fault(at, separator)
        comma = ", the last one empty, as after a comma at the end" if not fields[-1] else ""
        wanted = "as the header has" if columns.names else "as the first line has"
        return bad_file(
            at, expected=f"{columns.width} fields, {wanted}", found=f"{len(fields)}{comma}", fix=_FIX
        )
    for column, field in enumerate(fields):
        if column not in columns.dropped and not is_byte(field):
            return _field_fault(path, at, field, column, columns)
    return None


def is_byte(field: str) -> bool:
    """Whether a field is a whole number 0..255; ``-0`` is one."""
    number = _WHOLE_NUMBER.fullmatch(field)
    return number is not None and len(field) <= _LONGEST and 0 <= int(number[1]) <= 255


def _field_fault(path: Path, at: str, field: str, column: int, columns: Columns) -> DatasetError:
    if column != columns.label and _counts_rows(path, column, columns):
        return row_numbers(path, columns, column)
    shown = field if len(field) <= 40 else field[:40] + "..."
    fix = _FIX
    if column != columns.label:
        fix += f" A column that holds no pixels can be left out: {columns.without(column)}."
    found = f"{shown!r} in {columns.called(column)}"
    return bad_file(at, expected="whole numbers 0..255", found=found, fix=fix)


def _counts_rows(path: Path, column: int, columns: Columns) -> bool:
    """Whether the whole numbers in a column go up from row to row, beyond 255."""
    before = -1
    with path.open(encoding="utf-8-sig") as stream:
        lines = filled(stream)
        if columns.names:
            next(lines)
        for _, line in lines:
            fields = split_line(line)
            number = _WHOLE_NUMBER.fullmatch(fields[column]) if column < len(fields) else None
            if number is None or len(number[1]) > _LONGEST or int(number[1]) <= before:
                return False
            before = int(number[1])
    return before > 255


def decoding_fault(path: Path) -> DatasetError:
    """Make (not raise) the error for a file that is not UTF-8 text."""
    content = path.read_bytes()
    at, found, fix = str(path), "UTF-16 text", "Save it as UTF-8."
    packed = next((kind for magic, kind in _COMPRESSED.items() if content.startswith(magic)), None)
    if packed:
        found, fix = packed, "Unpack it, or save the table as CSV."
    elif not content.startswith(_UTF_16):
        try:
            content.decode()
        except UnicodeDecodeError as error:
            line = len(re.findall(rb"\r\n|\r|\n", content[: error.start])) + 1
            at, found = f"{path}, line {line}", f"the byte 0x{content[error.start]:02x} ({error.reason})"
    return bad_file(at, expected="UTF-8 text", found=found, fix=fix)
