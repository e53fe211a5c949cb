"""CUDA graphs: a sequence of launches recorded once and started as one; what little of CuPy that takes.

Recording makes nothing run. It needs a stream of its own: CUDA records none of the legacy default stream. A
recorded graph keeps the addresses of the arrays that its launches were given, so whoever records it keeps
those arrays.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from xpnet_kernels._arrays import Array, namespace

MOST_UNDER_WAY = 8
"""How many starts of graphs may wait on the device: what is stopped must end soon."""


def runtime(like: Array) -> Any:
    """Return `cupy.cuda`, by an array of the device."""
    return namespace(like).cuda


def record(launches: Callable[[], None], times: int, like: Array) -> Any:
    """Return a graph of what `launches` starts in the current stream, called a number of times.

    Parameters
    ----------
    launches : callable
        Launches kernels that have run before, since one that is compiled or loaded now would break the
        recording; takes no memory.
    times : int
    like : array
        Any array of the device.
    """
    stream = runtime(like).Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        try:
            for _ in range(times):
                launches()
        finally:
            graph = stream.end_capture()
    return graph


class Queue:
    """Starts graphs in the current stream, a bounded number ahead of the device.

    Parameters
    ----------
    like : array
        Any array of the device.
    """

    def __init__(self, like: Array) -> None:
        self._runtime = runtime(like)
        self._ends: deque[Any] = deque()

    def start(self, graph: Any) -> None:
        """Start a graph; wait first if MOST_UNDER_WAY have not ended."""
        if len(self._ends) == MOST_UNDER_WAY:
            self._ends.popleft().synchronize()
        graph.launch()
        end = self._runtime.Event(disable_timing=True)
        end.record()
        self._ends.append(end)


class Repeated:
    """Launches that come again and again: one by one the first time, from the second time on as a graph.

    Parameters
    ----------
    like : array
        Any array of the device.
    """

    def __init__(self, like: Array) -> None:
        self._like = like
        self._graph: Any = None
        self._of: tuple[Any, ...] = ()

    def start(self, launches: Callable[[], None], *of: Any) -> None:
        """Make launches that depend on these arrays and whole numbers, at least one, and on nothing else."""
        if len(of) != len(self._of) or not all(map(_same, of, self._of)):
            launches()
            self._of, self._graph = of, None
            return
        if self._graph is None:
            self._graph = record(launches, 1, self._like)
        self._graph.launch()


def _same(one: Any, other: Any) -> bool:
    return one is other or (isinstance(one, int) and isinstance(other, int) and one == other)
