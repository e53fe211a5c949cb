"""Every CUDA kernel compiles for every supported GPU, spills nothing and stays in float32; needs no GPU."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from engines import SIMULATOR, WARNINGS_ARE_ERRORS

import xpnet_kernels
from xpnet_kernels import _jit

CAPABILITIES = ("7.5", "8.0", "9.0", "12.0")
MOST_REGISTERS = 64
"""With 64 registers a thread, four blocks of 256 threads fit on a multiprocessor."""

PRODUCTS = "forward_kernel", "head_kernel", "backward_kernel"
MORE_REGISTERS = {"update_kernel": 128} | dict.fromkeys(PRODUCTS, 168)
"""Kernels that keep many loads on their way: with 128 two blocks fit, with 168, in float64, one."""

REGISTERS_OF_A_BLOCK = 65_536
"""What the threads of a kernel made for a plan may take together: each block has a multiprocessor alone."""

_jit.modules_for_later.load()


def noted(compile_):
    """Return the names of what is compiled so."""
    return [kernel.function.__name__ for kernel in _jit._cuda_kernels if kernel.compile is compile_]


MADE_FOR_PLANS = noted(_jit._compile_family)
KERNELS = noted(_jit._compile_cuda) + MADE_FOR_PLANS
FLOAT32_ONLY = [*MADE_FOR_PLANS, "carry_in", "carry_out"]


@pytest.fixture(scope="session")
def reports():
    """Return by capability and kernel what `offline.py` reports, one process for each capability."""
    require_compilers()
    environment = {key: value for key, value in os.environ.items() if key != SIMULATOR}
    environment["PYTHONPATH"] = str(Path(xpnet_kernels.__file__).parents[1])
    script = str(Path(__file__).with_name("offline.py"))
    processes = {
        capability: subprocess.Popen(
            [sys.executable, *WARNINGS_ARE_ERRORS, script, capability],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for capability in CAPABILITIES
    }
    found = {}
    for capability, process in processes.items():
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        for report in json.loads(output):
            found.setdefault((capability, report["kernel"]), []).append(report)
    return found


def require_compilers():
    """Skip unless numba-cuda, and the compiler and linker it calls, are installed."""
    for module in ("numba_cuda", "cuda.core", "cuda.pathfinder"):
        if not installed(module):
            pytest.skip(f"{module} is not installed; numba-cuda[cu13] brings it")
    from cuda.pathfinder import DynamicLibNotFoundError, load_nvidia_dynamic_lib

    for library in ("nvvm", "nvJitLink"):
        try:
            load_nvidia_dynamic_lib(library)
        except DynamicLibNotFoundError:
            pytest.skip(f"{library} is not installed; numba-cuda[cu13] brings it")


def installed(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # not even its parent package
        return False


def reports_of(reports, capability, kernel):
    """Return the reports of one kernel, one for each signature."""
    found = reports.get((capability, kernel))
    assert found, f"no sample of any operation launches {kernel}"
    failed = [f"{report['signature']}: {report['error']}" for report in found if "error" in report]
    assert not failed, "\n".join(failed)
    return found


def test_there_are_kernels():
    assert len(KERNELS) == len(set(KERNELS)) > 0


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("kernel", KERNELS)
def test_it_compiles_for_both_dtypes(kernel, capability, reports):
    found = reports_of(reports, capability, kernel)
    dtypes = {"float32"} if kernel in FLOAT32_ONLY else {"float32", "float64"}
    assert {report["dtype"] for report in found} == dtypes
    assert {report["target"] for report in found} == {"sm_" + capability.replace(".", "")}


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("kernel", KERNELS)
def test_float32_stays_float32(kernel, capability, reports):
    for report in reports_of(reports, capability, kernel):
        if report["dtype"] == "float32":
            assert not report["float64"], report["signature"]


@pytest.mark.parametrize("kernel", KERNELS)
def test_it_spills_nothing_on_sm_90(kernel, reports):
    for report in reports_of(reports, "9.0", kernel):
        assert (report["stack"], report["spill_stores"], report["spill_loads"]) == (0, 0, 0), report[
            "signature"
        ]
        if kernel in MADE_FOR_PLANS:
            assert report["registers"] * report["threads"] <= REGISTERS_OF_A_BLOCK, report["signature"]
        else:
            assert report["registers"] <= MORE_REGISTERS.get(kernel, MOST_REGISTERS), report["signature"]


def test_kernels_for_the_books_nets_are_among_them(reports):
    """Of 256 threads each, so that a thread may have all 255 registers that there are."""
    found = [report for report in reports_of(reports, "9.0", "persistent_epoch") if report["threads"] == 256]
    assert len(found) == 8
    assert max(report["registers"] for report in found) > MOST_REGISTERS


@pytest.mark.parametrize("some", ["pairs", "fours"])
def test_what_is_read_at_once_in_shared_memory_lies_where_it_can_be(some, reports):
    """The simulator cannot tell: it knows no addresses."""
    found = [report for those in reports.values() for report in those if report.get(f"reads_{some}")]
    assert "persistent_epoch" in {report["kernel"] for report in found}
    assert all(report[f"aligns_{some}"] for report in found)
