"""A matplotlib figure that notebooks show; imported by `plotting` only when something is drawn."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class NotebookFigure(Figure):
    """A figure made without pyplot, whose picture Jupyter shows as a cell's result.

    Jupyter knows how to show pyplot's figures alone; of any other it would show the name.
    """

    def _repr_png_(self) -> bytes:
        """Return the picture as PNG; Jupyter calls it."""
        picture = io.BytesIO()
        self.savefig(picture, format="png", dpi=100)
        return picture.getvalue()
