"""Ctrl-C while training: the step in hand is finished, then the run ends."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from xpnet.training.history import History


class FitInterrupted(KeyboardInterrupt):
    """Ctrl-C while `fit` trained; raised once the step in hand has ended, so that the net is intact.

    Attributes
    ----------
    history : History
        What was trained until then.
    """

    def __init__(self, history: History) -> None:
        super().__init__("fit was interrupted; the net keeps what it has learned")
        self.history = history


class Interrupt:
    """Notes Ctrl-C for the length of a `with` block; a second Ctrl-C raises KeyboardInterrupt at once.

    Outside the main thread signals cannot be caught, and nothing changes. In a block within a block Ctrl-C is
    meant for both.

    Attributes
    ----------
    requested : bool
        Whether Ctrl-C was pressed.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: Any = None
        self._caught = False

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
            self._caught = True
        return self

    def __exit__(self, *exception: object) -> None:
        if not self._caught:
            return
        # None is a handler that C code has installed; Python cannot put it back.
        signal.signal(signal.SIGINT, signal.SIG_DFL if self._before is None else self._before)
        outer = getattr(self._before, "__self__", None)
        if self.requested and isinstance(outer, Interrupt):
            outer.requested = True

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
