"""Announcements of `fit`: where it runs, and that kernels are compiling."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from xpnet_kernels import _compiler, _dispatch, _jit

if TYPE_CHECKING:
    from xpnet.nets.sequential import Sequential

COMPILING_AFTER = 1.0
"""Seconds that the first step may take before it is said that kernels are compiling."""


def say(line: str) -> None:
    """Write one line where progress is shown, if anywhere: a window's application may have no stderr."""
    if sys.stderr is None:
        return
    sys.stderr.write(f"xpnet: {line}\n")
    sys.stderr.flush()


def where_it_runs(net: Sequential, path: str, data: str) -> str:
    """Return backend, device, dtype and path in one line, and what there is to say of the data."""
    line = f"{net.backend.name} on {net.backend.device()}, {net.dtype}, {path}"
    return f"{line}; {data}" if data else line


@contextmanager
def says_when_compiling(enabled: bool) -> Iterator[None]:
    """Say that kernels are compiling if the block, the first step, takes more than a second."""
    if not enabled or not _dispatch.current():
        yield
        return
    timer = threading.Timer(COMPILING_AFTER, _say_that_kernels_compile)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _say_that_kernels_compile() -> None:
    if _compiler.obstacle() is not None:
        return
    if _jit.folders():
        say("compiling kernels (once; the machine code is kept)")
    else:
        say("compiling kernels (at every start: no folder for the machine code; set NUMBA_CACHE_DIR to one)")
