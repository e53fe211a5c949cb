"""The GPU as the sections see it: arrays, graphs, and a function timed by its events and by the clock."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any


class Device:
    """One GPU.

    Parameters
    ----------
    cupy : module
        CuPy, or its double.
    view : callable
        Returns numba's view of an array.

    Attributes
    ----------
    xp : module
        As `cupy`.
    """

    def __init__(self, cupy: Any, view: Callable[[Any], Any]) -> None:
        self.xp, self.view = cupy, view

    @classmethod
    def real(cls) -> Device:
        """Return the current GPU."""
        cuda = importlib.import_module("numba.cuda")
        return cls(importlib.import_module("cupy"), lambda array: cuda.as_cuda_array(array, sync=False))

    def synchronize(self) -> None:
        """Wait until the device has nothing to do."""
        self.xp.cuda.Device().synchronize()

    def random(self, *shape: int) -> Any:
        """Return float32 of 0..1; never zeros, on which products are quicker."""
        return self.xp.random.random(shape, dtype=self.xp.float32)

    def samples(
        self, function: Callable[[], Any], count: int, finish: Callable[[Any], Any] = lambda result: None
    ) -> dict[str, list[float]]:
        """Time a function that asks the device for work, again and again, after two runs that are not timed.

        Parameters
        ----------
        function : callable
        count : int
        finish : callable, optional
            Is given what the function returned, after the second event and before the clock stops.

        Returns
        -------
        dict
            `device_ms` between events before and after the work; `host_ms` until the function returned;
            `wall_ms` until the device had done all and `finish` returned.
        """
        cuda = self.xp.cuda
        taken: dict[str, list[float]] = {"device_ms": [], "host_ms": [], "wall_ms": []}
        for number in range(-2, count):
            before, after = cuda.Event(), cuda.Event()
            self.synchronize()
            started = time.perf_counter()
            before.record()
            result = function()
            returned = time.perf_counter()
            after.record()
            finish(result)
            after.synchronize()
            ended = time.perf_counter()
            if number >= 0:
                taken["device_ms"].append(float(cuda.get_elapsed_time(before, after)))
                taken["host_ms"].append(1e3 * (returned - started))
                taken["wall_ms"].append(1e3 * (ended - started))
        return taken

    def graph(self, launches: Callable[[], None]) -> Any:
        """Return a CUDA graph of launches that have been made before."""
        launches()
        self.synchronize()
        stream = self.xp.cuda.Stream(non_blocking=True)
        with stream:
            stream.begin_capture()
            launches()
            graph = stream.end_capture()
        graph.upload(stream)
        self.synchronize()
        return graph
