"""Progress of a run: a bar in a terminal or a notebook, a line an epoch elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from xpnet.training._announce import say
from xpnet.training.history import Epoch

EVERY_EPOCH_UP_TO = 50
"""Epochs of a run that writes a line for each, however short they are."""

LINE_SECONDS = 1.0
"""The least time from one line to the next in longer runs, apart from the first and the last epoch's."""

NOTEBOOK_SECONDS = 0.5
"""The least time from one state of a notebook's bar to the next: the notebook's file keeps every one."""

_with_lines: ContextVar[bool] = ContextVar("lines", default=True)


@contextmanager
def bars_only() -> Iterator[None]:
    """Write no lines within the block: whoever calls `fit` prints the epochs."""
    token = _with_lines.set(False)
    try:
        yield
    finally:
        _with_lines.reset(token)


class Progress:
    """Shows how far a run is, on stderr.

    Parameters
    ----------
    epochs : int
    steps : int
        Of an epoch.
    enabled : bool
        Whether to show anything.
    """

    def __init__(self, epochs: int, steps: int, enabled: bool) -> None:
        self._epochs, self._written = epochs, 0.0
        enabled = enabled and sys.stderr is not None
        in_terminal, in_notebook = enabled and is_terminal(sys.stderr), enabled and is_notebook()
        self._bar = _bar(epochs * steps, in_notebook) if in_terminal or in_notebook else None
        self._lines = enabled and self._bar is None and _with_lines.get()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, steps: int = 1) -> None:
        """Count steps."""
        if self._bar is not None:
            self._bar.update(steps)

    def epoch(self, epoch: Epoch) -> None:
        """Show an epoch that has ended."""
        if self._bar is not None:
            self._bar.set_postfix_str(str(epoch), refresh=False)
        elif self._lines:
            self._write(epoch)

    def _write(self, epoch: Epoch) -> None:
        now = time.monotonic()
        wanted = self._epochs <= EVERY_EPOCH_UP_TO or epoch.number in (1, self._epochs)
        if wanted or now - self._written >= LINE_SECONDS:
            self._written = now
            say(str(epoch).replace(f"epoch {epoch.number}", f"epoch {epoch.number}/{self._epochs}", 1))


def is_terminal(stream: Any) -> bool:
    """Return whether a stream is a terminal; one that cannot tell, such as an application's log, is none."""
    return bool(getattr(stream, "isatty", lambda: False)())


def is_notebook() -> bool:
    """Return whether the code runs in a Jupyter kernel, which shows text that a bar writes over itself."""
    get_shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
    return getattr(get_shell(), "kernel", None) is not None


def _bar(steps: int, in_notebook: bool) -> Any:
    # Not tqdm.auto: without ipywidgets it warns in a notebook.
    from tqdm import tqdm

    return tqdm(
        total=steps, unit="step", leave=in_notebook, mininterval=NOTEBOOK_SECONDS if in_notebook else 0.1
    )
