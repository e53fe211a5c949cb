"""Compiles every CUDA kernel for one compute capability without a GPU; run as `python offline.py 9.0`.

Nobody lists kernels or types: the samples of every operation are run in every memory layout with a double in
the place of each kernel, which notes the types of its arguments instead of running. Prints JSON, a list with
one entry for each kernel and signature. NUMBA_ENABLE_CUDASIM must be unset: the simulator compiles nothing.
"""

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
from layouts import LAYOUTS, laid_out

from xpnet_kernels import _deferred, _graphs, _jit, _launch, registry
from xpnet_kernels.mlp_epoch.graph import step

DTYPES = ("float32", "float64")
BOOKS_HIDDEN = (50, 100)
"""Hidden units of the book's nets for MNIST."""
THOROUGH = (9, 0)
"""The capability for which every layout is compiled, and linked for registers and spills.

The others take the contiguous layout: the layout changes index arithmetic, which is the same on all.
"""

WIDE = 500
"""So few multiplications make a layer of the captured epoch wide here that some in the samples are."""


class Recorder:
    """Stands in the place of a kernel and notes with which types it is launched."""

    dtype = None
    """Of the samples that are run."""

    def __init__(self, kernel, name, made_for_plan=False):
        self.kernel, self.name, self.made_for_plan = kernel, name, made_for_plan
        self.signatures = {}
        self.threads = 0

    def __getitem__(self, launch):
        self.threads = max(self.threads, int(np.prod(launch[1])))
        return self

    def __call__(self, *args):
        from numba.cuda.typing.typeof import Purpose, typeof

        self.signatures[tuple(typeof(arg, Purpose.argument) for arg in args)] = self.dtype

    def signatures_for(self, capability):
        """Return the signatures to compile, as pairs of types and dtype; contiguous ones come first."""
        if capability == THOROUGH:
            return list(self.signatures.items())
        first = {dtype: types for types, dtype in reversed(self.signatures.items())}
        return [(types, dtype) for dtype, types in first.items()]


class FamilyRecorder:
    """Stands in the place of what makes a kernel for each plan, and gives each a recorder."""

    def __init__(self, family):
        self.family = family
        self.recorders = {}

    def __call__(self, plan):
        if plan not in self.recorders:
            self.recorders[plan] = Recorder(self.family(plan), self.family.__name__, made_for_plan=True)
        return self.recorders[plan]


def record(capability):
    """Return a recorder for each kernel, after every CUDA implementation has run on every sample."""
    _graphs.record, _graphs.Queue = lambda launches, times, like: launches(), lambda like: Mock()
    step.Products, step.WIDE = lambda like, tf32: Mock(), WIDE
    _launch.current_stream = lambda like: 0
    _launch._configured = lambda kernel, grid, block: kernel[grid, block]
    recorders = [Recorder(kernel, kernel.py_func.__name__) for kernel in _jit.cuda_kernels()]
    families = [FamilyRecorder(family) for family in _jit.kernel_families()]
    for recorder in recorders:
        _deferred.replace_everywhere(recorder.kernel, recorder)
    for family in families:
        _deferred.replace_everywhere(family.family, family)
    for dtype in DTYPES:
        Recorder.dtype = dtype
        for layout in LAYOUTS:
            run_all(dtype, layout)
    Recorder.dtype = "float32"
    run_books_nets(thorough=capability == THOROUGH)
    return recorders + [recorder for family in families for recorder in family.recorders.values()]


def run_all(dtype, layout):
    """Run every CUDA implementation on every sample; the results are garbage, since no kernel runs."""
    for operation in registry.values():
        for sample in operation.sample_inputs(np.random.default_rng(0), dtype):
            for implementation in operation.implementations:
                if implementation.engine == "numba-cuda":
                    arrays, obstacle = laid_out(np, layout, sample.arrays), implementation.obstacle
                    if obstacle is None or obstacle(*arrays, **sample.options) is None:
                        with np.errstate(all="ignore"):
                            implementation.function(*arrays, **sample.options)


def run_books_nets(thorough):
    """Run an epoch of the nets for which the persistent kernel is meant: kernels made for them are larger."""
    from xpnet_kernels.mlp_epoch.gpu import train_persistently

    settings = {"activations": ("relu",), "batch_size": 100, "update": "sgd", "options": [{"lr": 0.1}]}
    for hidden in BOOKS_HIDDEN if thorough else BOOKS_HIDDEN[:1]:
        for dtype in ("uint8", "float32") if thorough else ("uint8",):
            for deterministic in (False, True) if thorough else (False,):
                shapes = (784, hidden), (hidden,), (hidden, 10), (10,)
                arrays = [np.zeros(shape, "float32") for shape in shapes]
                labels = np.zeros(100, "int64")
                x = np.zeros((100, 784), dtype)
                train_persistently(x, labels, labels, *arrays, deterministic=deterministic, **settings)


def compile_kernel(kernel, signature, capability, made_for_plan):
    """Return what the PTX of one kernel says and, for `THOROUGH`, what it takes on the device."""
    from numba import cuda

    ptx, _ = cuda.compile(kernel.py_func, signature, cc=capability, device=False, abi="numba")
    report = {
        "target": re.search(r"^\.target (\w+)", ptx, re.MULTILINE)[1],
        "float64": sorted(set(re.findall(r"\b[\w.]+\.f64[\w.]*", ptx))),
        "reads_pairs": "ld.shared.v2" in ptx,
        "aligns_pairs": bool(re.search(r"\.shared \.align (8|16)\b", ptx)),
        "reads_fours": "ld.shared.v4" in ptx,
        "aligns_fours": bool(re.search(r"\.shared \.align 16\b", ptx)),
    }
    if capability == THOROUGH:
        report |= link(ptx.encode(), capability)
        if made_for_plan:
            code, _ = cuda.compile(
                kernel.py_func, signature, cc=capability, device=False, abi="numba", output="ltoir"
            )
            again = link(code, capability, lto=True)
            report |= {name: max(report[name], number) for name, number in again.items()}
    return report


def link(code, capability, lto=False):
    """Link PTX to a cubin and return its registers, and its bytes of stack and spills.

    With `lto`, link what numba.cuda links for a cooperative kernel: LLVM's code, which is optimised once
    more, and the device runtime.
    """
    from cuda.core import Linker, LinkerOptions, ObjectCode
    from numba.cuda.cudadrv.libs import get_cudalib

    if not lto:
        parts = [ObjectCode.from_ptx(code, name="kernel.ptx")]
    else:
        runtime = Path(get_cudalib("cudadevrt", static=True)).read_bytes()
        parts = [ObjectCode.from_ltoir(code, name="kernel"), ObjectCode.from_library(runtime, name="runtime")]
    options = LinkerOptions(
        arch="sm_{}{}".format(*capability),
        link_time_optimization=lto or None,
        verbose=True,
        ptxas_options=["-v"],
    )
    linker = Linker(*parts, options=options)
    linker.link("cubin")
    log = linker.get_info_log()
    numbers = {
        "registers": r"Used (\d+) registers",
        "stack": r"(\d+) bytes stack frame",
        "spill_stores": r"(\d+) bytes spill stores",
        "spill_loads": r"(\d+) bytes spill loads",
    }
    return {name: max(map(int, re.findall(pattern, log))) for name, pattern in numbers.items()}


def main(capability):
    """Compile everything that was recorded."""
    import numba.cuda.dispatcher

    # Calls of device functions ask for the current device, to compile for its capability.
    device = SimpleNamespace(compute_capability=capability)
    numba.cuda.dispatcher.get_current_device = lambda: device
    reports = []
    for recorder in record(capability):
        for signature, dtype in recorder.signatures_for(capability):
            report = {
                "kernel": recorder.name,
                "dtype": dtype,
                "signature": ", ".join(map(str, signature)),
                "threads": recorder.threads,
            }
            try:
                report |= compile_kernel(recorder.kernel, signature, capability, recorder.made_for_plan)
            except Exception as error:
                report["error"] = f"{type(error).__name__}: {error}"
            reports.append(report)
    print(json.dumps(reports))


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1].split("."))))
