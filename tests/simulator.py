"""What numba's CUDA simulator lacks to prove kernels: order, speed and a sense of types.

The stock simulator lets the threads of a block race and polls them, which takes milliseconds a barrier and
lets two threads allocate one shared array twice. Here the threads take turns: each runs to its next barrier
or its end. A missing barrier then gives the same wrong values every time, a barrier that only part of a
block reaches is an error, and shared memory that nobody wrote is NaN.
"""

import math
import sys
import threading

import graph_double
import numpy as np
from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray
from numba.cuda.simulator.kernel import BlockManager, BlockThread
from numba.cuda.simulator.kernelapi import FakeCUDAShared

THREADS = 32
TILE = 4
SMALL = {
    "THREADS": THREADS,
    "LANES": 8,
    "SLICES": 4,
    "ROWS": 3,
    "AT_ONCE": 4,
    "FEATURES": 3,
    "SAMPLES_AT_ONCE": 2,
    "WIDE": 500,
    "STEPS_TOGETHER": 2,
}
"""Of the captured epoch: tiles that few threads share, and layers that are wide early."""


def install(monkeypatch):
    """Use this simulator, and blocks so small that the samples span several, until the test ends."""
    graph_double.install(monkeypatch)
    monkeypatch.setattr(BlockManager, "run", run_block)
    monkeypatch.setattr(FakeCUDAShared, "array", shared_array)
    modules = {name: module for name, module in sys.modules.items() if name.startswith("xpnet_kernels.")}
    # A host array would be copied to and fro, and refused unless contiguous; a device array is used in place.
    monkeypatch.setattr(modules["xpnet_kernels._launch"], "_device_array", FakeCUDAArray)
    monkeypatch.setattr(modules["xpnet_kernels.matmul"], "TILE", TILE)
    for module in modules.values():
        for name in SMALL.keys() & vars(module).keys():
            monkeypatch.setattr(module, name, SMALL[name])
        if getattr(module, "math", None) is math:
            monkeypatch.setattr(module, "math", TypedMath())


class TypedMath:
    """`math` as compiled code sees it: float32 in, float32 out, where Python's gives a plain float."""

    def __getattr__(self, name):
        function = getattr(math, name)

        def typed(*args):
            result = function(*args)
            return type(args[0])(result) if isinstance(args[0], np.floating) else result

        return typed if callable(function) else function


class TakingTurns(BlockThread):
    """A CUDA thread that runs only when it is told to, up to its next barrier or its end."""

    def __init__(self, *args):
        super().__init__(*args)
        self.waiting = False
        self._turn, self._done = threading.Lock(), threading.Lock()
        self._turn.acquire()
        self._done.acquire()

    def advance(self):
        """Run to the next barrier or the end; raise what the kernel raised."""
        if self.waiting:
            self.waiting = False
            self._turn.release()
        else:
            self.start()
        self._done.acquire()
        if self.exception:
            raise self.exception[0].with_traceback(self.exception[1])

    def syncthreads(self):
        self.waiting = True
        self._done.release()
        self._turn.acquire()

    def run(self):
        super().run()
        self._done.release()


def run_block(self, grid_point, *args):
    """Run the threads of one block, in turns from barrier to barrier; replaces `BlockManager.run`."""
    threads = [
        TakingTurns(lambda: self._f(*args), self, grid_point, place, self._debug)
        for place in np.ndindex(*self._block_dim)
    ]
    going = True
    while going:
        for thread in threads:
            thread.advance()
        going = any(thread.waiting for thread in threads)
        if going and not all(thread.waiting for thread in threads):
            raise RuntimeError(f"only part of block {grid_point} reached a barrier")


def shared_array(self, shape, dtype):
    """Return the array that this line of the kernel allocates for its thread block, NaN at first."""
    frame = sys._getframe(1)
    place = frame.f_code, frame.f_lineno
    if place not in self._allocations:
        dtype = np.dtype(dtype)
        self._allocations[place] = np.full(shape, np.nan if dtype.kind == "f" else 0, dtype)
    return self._allocations[place]
