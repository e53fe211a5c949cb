"""Lines of a CSV file: blank or not, their fields, and what stands between these."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def filled(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, each with its number in an editor, from 1."""
    return ((number, line) for number, line in enumerate(lines, 1) if not is_blank(line))


def is_blank(line: str) -> bool:
    """Whether a line holds nothing but blanks."""
    return not line or line.isspace()


def split_line(line: str) -> list[str]:
    """Return the fields of a line, without their quotes."""
    try:
        return next(csv.reader([line]))
    except csv.Error:  # a field longer than the csv module's limit
        return line.rstrip("\n").split(",")


def has_open_quote(line: str) -> bool:
    """Whether a quoted field does not end in its line."""
    return line.count('"') % 2 == 1


def other_separator(line: str) -> str | None:
    """Return what separates the fields of a line if it is not the comma, such as ``semicolons``."""
    for sign, name in _SEPARATORS.items():
        if line.count(sign) >= max(1, line.count(",")):
            return name
    return "blanks" if "," not in line and len(line.split()) > 1 else None
