"""Columns of text."""

from __future__ import annotations

from collections.abc import Sequence


def table(rows: Sequence[Sequence[object]], right: Sequence[int] = ()) -> str:
    """Return rows as lines with aligned columns.

    Parameters
    ----------
    rows : sequence of rows
        All of the same length; the first may be the headings.
    right : sequence of int, optional
        The columns to align at the right.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )
