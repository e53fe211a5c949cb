"""The columns of a CSV file: the label, the pixels, and those that are left out."""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from xpnet.datasets._errors import DatasetError, bad_file

Column = str | int
"""A column by its name or by its number, counted from 0; -1 is the last."""

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|nan|inf", re.IGNORECASE)
# pandas reads an unnamed column as "Unnamed: 0", and calls a second such one "Unnamed: 0.1".
_PANDAS_INDEX = re.compile(r"Unnamed: [0-9]+(\.[0-9]+)*")


class Form(NamedTuple):
    """What the caller says of a file, as `from_csv` documents it."""

    label: Column | None = None
    header: str | int | None = "infer"
    drop: tuple[Column, ...] = ()


class Columns(NamedTuple):
    """The columns of one file, by their numbers.

    Attributes
    ----------
    names : tuple of str
        Of all columns; empty where the file has no header.
    width : int
        All columns, those left out included.
    label : int
        The column of labels.
    dropped : frozenset of int
        The columns that are left out.
    """

    names: tuple[str, ...]
    width: int
    label: int
    dropped: frozenset[int]

    @property
    def pixels(self) -> list[int]:
        """The columns that are neither the label nor left out."""
        return [i for i in range(self.width) if i != self.label and i not in self.dropped]

    def called(self, column: int) -> str:
        """Return what an error calls a column."""
        name = self.names[column] if self.names else ""
        return f"column {name!r}" if name else f"column {column} (counted from 0)"

    def without(self, column: int) -> str:
        """Return what to write to leave a column out."""
        name = self.names[column] if self.names else ""
        by_name = name and self.names.count(name) == 1 and not is_number(name)
        return f"drop=({name!r},), --drop {name!r}" if by_name else f"drop=({column},), --drop {column}"


def is_number(text: str) -> bool:
    """Whether a field is a number, of any kind."""
    return _NUMBER.fullmatch(text.strip()) is not None


def shown(names: Sequence[str]) -> str:
    """Return the first few names, for an error."""
    few = [name if len(name) <= 40 else name[:40] + "..." for name in names[:5]]
    few = [name if name.isprintable() and name else repr(name) for name in few]
    return ", ".join(few) + (", ..." if len(names) > 5 else "")


def columns_of(fields: Sequence[str], form: Form, at: str) -> Columns:
    """Tell the columns of a file by its first line.

    Parameters
    ----------
    fields : sequence of str
        The fields of the first line that is not blank.
    form : Form
        What the caller says of the file.
    at : str
        The file and the line, for an error.

    Raises
    ------
    DatasetError
        The line looks like data and `form` does not say what it is; a column that `form` names is not there;
        a column has no name, or the name of another; there are no pixels.
    ValueError
        `form` asks for what cannot be.
    """
    names = tuple(fields) if _names_columns(fields, form, at) else ()
    dropped = frozenset(_position("drop", column, fields, names, at, ()) for column in form.drop)
    default: Column = "label" if names else min(set(range(len(fields))) - dropped, default=0)
    label = _position("label", default if form.label is None else form.label, fields, names, at, dropped)
    if label in dropped:
        raise ValueError(f"from_csv: drop leaves out the label, column {fields[label]!r}; name another one.")
    columns = Columns(names, len(fields), label, dropped)
    if not columns.pixels:
        raise bad_file(at, expected="columns of pixels", found=f"only {shown(fields)}", fix="Check the file.")
    if names:
        _refuse_nameless(columns, at)
        _refuse_repeated(columns, at)
        _refuse_more_labels(columns, at)
    return columns


def _names_columns(fields: Sequence[str], form: Form, at: str) -> bool:
    """Whether the first line is a header; an error where that is not certain."""
    if isinstance(form.header, bool) or form.header not in ("infer", 0, None):
        raise ValueError(
            f"from_csv: header must be None (no line of names), 0 (line 1 holds them) or 'infer', not "
            f"{form.header!r}."
        )
    if form.header != "infer":
        return form.header == 0
    wanted = "label" if form.label is None else form.label
    if isinstance(wanted, str) and wanted in fields and not is_number(wanted):
        return True
    if _looks_like_data(fields):
        raise bad_file(
            at,
            expected="a header such as label,pixel0,...",
            found=f"what looks like data ({shown(fields)})",
            fix="If it is the first sample, write header=None (--no-header): the label then is column 0, or "
            "label=NUMBER (--label NUMBER). If these are names, write header=0 (--header) and label=NUMBER.",
        )
    return True


def _looks_like_data(fields: Sequence[str]) -> bool:
    """Whether a line holds nothing but numbers, or numbers among words that do not count columns."""
    numbers = [field.strip() for field in fields if is_number(field)]
    if len(numbers) == len(fields):
        return True
    # A frame of pandas that was given no names has the columns 0, 1, 2, ..., beside "label", say.
    counted = [str(i) for i in range(len(numbers))], [str(i + 1) for i in range(len(numbers))]
    return numbers not in counted


def _position(
    option: str, column: Column, fields: Sequence[str], names: Sequence[str], at: str, dropped: Container[int]
) -> int:
    """Return the number of the column that an option of `from_csv` names, 0 or above."""
    if isinstance(column, str):
        return _position_of_name(option, column, names, at, dropped)
    count = len(fields)
    try:
        position = operator.index(column)
    except TypeError:
        position = None
    if position is None or isinstance(column, bool):
        raise ValueError(f"from_csv: {column!r} is no column; give a name or a whole number from 0.")
    if not -count <= position < count:
        raise bad_file(
            at,
            expected=f"a column {column}, counted from 0",
            found=f"{count} columns",
            fix="Check the number.",
        )
    return position % count


def _position_of_name(option: str, name: str, names: Sequence[str], at: str, dropped: Container[int]) -> int:
    if not names:
        raise ValueError(
            f"from_csv: without a header no column is called {name!r}; give its number, counted from 0."
        )
    called_so = [i for i, other in enumerate(names) if other == name]
    kept = [i for i in called_so if i not in dropped] or called_so
    if len(kept) == 1:
        return kept[0]
    if kept:
        raise _repeated(name, names, at)
    alike = [other for other in names if other.casefold() == name.casefold()]
    hint = f" Is it {alike[0]!r}?" if alike else ""
    raise bad_file(
        at,
        expected=f"a column named {name!r}",
        found=f"the columns {shown(names)}",
        fix=f"Give the name of a column that is there, or its number, counted from 0: {option}=..., "
        f"--{option} ...{hint}",
    )


def _refuse_nameless(columns: Columns, at: str) -> None:
    for column in columns.pixels:
        name = columns.names[column]
        if name and not _PANDAS_INDEX.fullmatch(name):
            continue
        last = not name and column == columns.width - 1
        raise bad_file(
            at,
            expected="a name for every column of pixels",
            found=f"{columns.called(column)} {'without one' if not name else 'as pandas calls one without'}",
            fix=("Does the line end in a comma? " if last else "That is how pandas writes a frame's index. ")
            + "Write the file with to_csv(..., index=False), or leave the column out: "
            f"{columns.without(column)}.",
        )


def _refuse_repeated(columns: Columns, at: str) -> None:
    kept = [name for i, name in enumerate(columns.names) if i not in columns.dropped and name]
    name, times = Counter(kept).most_common(1)[0]
    if times > 1:
        raise _repeated(name, columns.names, at)


def _repeated(name: str, names: Iterable[str], at: str) -> DatasetError:
    where = [i for i, other in enumerate(names) if other == name]
    return bad_file(
        at,
        expected="a name of its own for every column",
        found=f"{name!r} for the columns {', '.join(map(str, where))} (counted from 0)",
        fix=f"Rename one, or leave it out by its number: drop=({where[-1]},), --drop {where[-1]}.",
    )


def _refuse_more_labels(columns: Columns, at: str) -> None:
    label = columns.names[columns.label]
    if not label or is_number(label):
        return
    # pandas reads a second column "label" as "label.1".
    again = re.compile(re.escape(label) + r"(\.[0-9]+)?", re.IGNORECASE)
    for column in columns.pixels:
        if again.fullmatch(columns.names[column]):
            raise bad_file(
                at,
                expected="one column of labels",
                found=f"{columns.called(columns.label)} and {columns.called(column)}",
                fix=f"A net would read the label there. Leave it out: {columns.without(column)}.",
            )
