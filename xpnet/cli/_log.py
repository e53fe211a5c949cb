"""The log of a run: JSON lines, the run first, one an epoch, and what ended it early, each as it happens."""

from __future__ import annotations

import json
import math
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from xpnet import Epoch


class RunLog(AbstractContextManager["RunLog"]):
    """Writes events as JSON lines; without a path it writes nothing.

    Parameters
    ----------
    path : Path or None
        An existing file is replaced.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """

    def __init__(self, path: Path | None) -> None:
        self._stream = None if path is None else path.open("w", encoding="utf-8")

    def __exit__(self, *exception: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def run(self, **facts: Any) -> None:
        """Write what is run."""
        self._write({"event": "run", **facts})

    def epoch(self, epoch: Epoch) -> None:
        """Write one epoch."""
        self._write({"event": "epoch", **asdict(epoch)})

    def failure(self, error: Exception) -> None:
        """Write what ended the run."""
        self._write({"event": "failure", "error": type(error).__name__, "message": str(error)})

    def _write(self, event: dict[str, Any]) -> None:
        if self._stream is None:
            return
        # JSON has no infinity; a loss can become one.
        plain = {key: None if _infinite(value) else value for key, value in event.items()}
        self._stream.write(json.dumps(plain, allow_nan=False) + "\n")
        self._stream.flush()


def _infinite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
