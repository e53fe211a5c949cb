"""The obstacles to compiling CPU kernels; where there is one, the reference serves NumPy arrays."""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
import warnings
from typing import Any, NamedTuple

from xpnet_kernels import _dispatch
from xpnet_kernels._deferred import DeferredModule

_NUMBA = DeferredModule("numba")
_VARIABLE = "NUMBA_DISABLE_JIT"
_FILE = ".numba_config.yaml"
"""Numba reads its settings from such a file in the working folder, too."""


class Obstacle(NamedTuple):
    """Why kernels cannot be compiled, and what mends it."""

    reason: str
    remedy: str


ABSENT = Obstacle("numba is not installed", "pip install numba")
DISABLED = Obstacle(
    "NUMBA_DISABLE_JIT, or numba.config.DISABLE_JIT, is set",
    "unset it and start Python again",
)


class NoCompilerError(RuntimeError):
    """A CPU kernel was called that cannot be compiled here."""


loading = threading.RLock()
"""Held while numba is imported: what another thread finds of it meanwhile is half a module."""

_compiled: bool | None = None
_said: set[Obstacle] = set()


def obstacle() -> Obstacle | None:
    """Return why the CPU kernels cannot be compiled here, or None if they can.

    Once they are loaded, Numba's setting has no effect on them any more.
    """
    if _compiled:
        return None
    with loading:
        if not installed("numba"):
            return ABSENT
        return DISABLED if _compiled is False or _disabled() else None


def installed(name: str) -> bool:
    """Return whether a module can be found; it is not imported for that."""
    try:
        return sys.modules.get(name) is not None or importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _disabled() -> bool:
    """Ask Numba itself, but do not import it where nothing was set."""
    if os.environ.get(_VARIABLE) or os.path.exists(_FILE):
        _NUMBA.load()
    config: Any = sys.modules.get("numba.core.config")
    if not hasattr(config, "reload_config"):  # not imported, or another thread is about to
        return False
    config.reload_config()
    return bool(config.DISABLE_JIT)


def check() -> Obstacle | None:
    """Return `obstacle()`; where there is one, the reference serves NumPy arrays from now on.

    Warns
    -----
    RuntimeWarning
        Once, with the reason and what mends it.
    """
    found = obstacle()
    _dispatch.serve_numpy_by_kernels(found is None)
    # Numba does not exist for Pyodide: there nothing is missing.
    if found is not None and found not in _said and not (found is ABSENT and sys.platform == "emscripten"):
        _said.add(found)
        warnings.warn(
            f"xpnet: {found.reason}, so no CPU kernel can be compiled: NumPy arrays are computed by the "
            f"reference, as on the backend numpy, and fit goes layer by layer. To mend it: {found.remedy}",
            RuntimeWarning,
            stacklevel=2,
        )
    return found


def require() -> None:
    """Raise NoCompilerError where `check()` finds an obstacle."""
    found = check()
    if found is not None:
        raise NoCompilerError(f"{found.reason}. To mend it: {found.remedy}")


def note_loaded(compiled: bool) -> None:
    """Take notice that the CPU kernels are in place: compiled, or as plain Python, which nothing calls."""
    global _compiled
    _compiled = compiled
    check()
