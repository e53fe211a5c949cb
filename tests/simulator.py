"""What numba's CUDA simulator lacks to prove kernels: order, speed and a sense of types.

The stock simulator lets the threads of a block race and polls them, which takes milliseconds a barrier and
lets two threads allocate one shared array twice. Here the threads take turns: each runs to its next barrier
or its end. A missing barrier then gives the same wrong values every time, a barrier that only part of a
block reaches is an error, and shared memory that nobody wrote is NaN. There are warp shuffles, and the blocks
of a cooperative launch run all at once.
"""

import math
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import graph_double
import numpy as np
from greenlet import getcurrent
from numba.cuda.simulator import kernel as simulated_kernel
from numba.cuda.simulator import kernelapi
from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray
from numba.cuda.simulator.kernel import BlockManager, _push_kernel_context
from numba.cuda.simulator.kernelapi import FakeCUDAModule, FakeCUDAShared
from turns import SHUFFLES, run_in_turns, syncwarp, threads_of

from xpnet_kernels import _graphs, _jit
from xpnet_kernels._limits import check_launch

THREADS = 32
TILE = 4
SMALL = {
    "THREADS": THREADS,
    "LANES": 8,
    "SLICES": 4,
    "ROWS": 3,
    "FEATURES": 3,
    "SAMPLES_AT_ONCE": 2,
    "SAMPLES": 8,
    "INPUTS_AT_ONCE": 1,
    "WIDE": 500,
    "BLOCKS_DOWN": 2,
    "ROWS_AT_ONCE": 2,
    "EACH": 2,
    "PARAMETERS": 64,
    "STEPS_TOGETHER": 2,
}
"""Of the captured epoch: tiles that few threads share, and layers that are wide early."""
MULTIPROCESSORS = 8
FEATURE_WARPS = 1
SEED = None
"""Of the order in which threads of a cooperative grid take turns; None is as they are numbered."""


def install(monkeypatch):
    """Use this simulator, and blocks so small that the samples span several, until the test ends."""
    graph_double.install(monkeypatch)
    monkeypatch.setattr(BlockManager, "run", run_block)
    # It asks Python's current thread for its place in the block.
    monkeypatch.setattr(kernelapi, "threading", SimpleNamespace(current_thread=getcurrent))
    monkeypatch.setattr(simulated_kernel, "swapped_cuda_module", cuda_of_a_launch)
    monkeypatch.setattr(FakeCUDAShared, "array", shared_array)
    for name, function in (SHUFFLES | {"syncwarp": syncwarp}).items():
        monkeypatch.setattr(FakeCUDAModule, name, function, raising=False)
    _jit.load_cuda()
    modules = {name: module for name, module in sys.modules.items() if name.startswith("xpnet_kernels.")}
    # A host array would be copied to and fro, and refused unless contiguous; a device array is used in place.
    monkeypatch.setattr(modules["xpnet_kernels._launch"], "_device_array", FakeCUDAArray)
    monkeypatch.setattr(modules["xpnet_kernels._launch"], "launch_cooperatively", launch_cooperatively)
    spinning = modules["xpnet_kernels._ptx"].load_acquire
    monkeypatch.setattr(modules["xpnet_kernels._launch"], "H200_MULTIPROCESSORS", MULTIPROCESSORS)
    monkeypatch.setattr(modules["xpnet_kernels.mlp_epoch.persistent.plan"], "FEATURE_WARPS", FEATURE_WARPS)
    monkeypatch.setattr(modules["xpnet_kernels.matmul"], "TILE", TILE)
    assert SMALL.keys() <= {name for module in modules.values() for name in vars(module)}
    for module in modules.values():
        for name in SMALL.keys() & vars(module).keys():
            monkeypatch.setattr(module, name, SMALL[name])
        if getattr(module, "math", None) is math:
            monkeypatch.setattr(module, "math", TypedMath())
        if getattr(module, "load_acquire", None) is spinning:
            monkeypatch.setattr(module, "load_acquire", load_acquire)


class TypedMath:
    """`math` as compiled code sees it: float32 in, float32 out, where Python's gives a plain float."""

    def __getattr__(self, name):
        function = getattr(math, name)

        def typed(*args):
            result = function(*args)
            return type(args[0])(result) if isinstance(args[0], np.floating) else result

        return typed if callable(function) else function


@contextmanager
def cuda_of_a_launch(kernel, module):
    """Give all modules of kernels the simulated `cuda` for a launch; replaces `swapped_cuda_module`.

    The stock simulator does that anew for every call of a device function, which takes longer than most.
    """
    if kernel.__globals__.get("cuda") is module:  # within that launch
        yield
        return
    real = _jit.cuda
    ours = [vars(one) for name, one in sys.modules.items() if name.startswith("xpnet_kernels.")]
    places = [names for names in ours if names.get("cuda") is real and names is not vars(_jit)]
    if all(names is not kernel.__globals__ for names in places):
        places.append(kernel.__globals__)
    for names in places:
        names["cuda"] = module
    try:
        yield
    finally:
        for names in places:
            names["cuda"] = real


def run_block(self, grid_point, *args):
    """Run the threads of one block; replaces `BlockManager.run`."""
    run_in_turns([threads_of(grid_point, self, self._f, args)])


def launch_cooperatively(kernel, blocks, threads, *args):
    """Run all blocks at once, or note it in a capture; replaces `_launch.launch_cooperatively`."""
    check_launch(kernel, blocks, threads)
    _graphs.runtime(None).start(kernel.fn.__name__, lambda: run_at_once(kernel, blocks, threads, args))


def run_at_once(kernel, blocks, threads, args):
    """Run all blocks of a kernel at once."""
    grid, block = (blocks, 1, 1), (threads, 1, 1)
    module = FakeCUDAModule(grid, block, 0)
    with _push_kernel_context(module), cuda_of_a_launch(kernel.fn, module):
        managers = [BlockManager(kernel.fn, grid, block, False) for _ in range(blocks)]
        run_in_turns([threads_of((i, 0, 0), managers[i], kernel.fn, args) for i in range(blocks)], SEED)


def load_acquire(array, index):
    """Let the others have a turn, then look; replaces `_ptx.load_acquire`."""
    getcurrent().spin()
    return array[index]


def shared_array(self, shape, dtype, alignment=None):
    """Return the array that this instruction of the kernel allocates for its thread block, NaN at first.

    One instruction allocates one array, as static shared memory does: in a loop, and in a device function
    that is called twice, it is the same each time. For another shape or dtype the function is compiled again
    and has another array. Functions are told apart by their code and globals themselves: Python takes two
    pieces of code for equal that are alike in name, line and instructions.
    """
    frame, dtype = sys._getframe(1), np.dtype(dtype)
    function = id(frame.f_code), id(frame.f_globals)
    place = tuple(getcurrent().blockIdx), *function, frame.f_lasti, shape, dtype
    if place not in self._allocations:
        self._allocations[place] = np.full(shape, np.nan if dtype.kind == "f" else 0, dtype)
    return self._allocations[place]
