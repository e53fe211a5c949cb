"""CUDA kernels made for a plan, intrinsics with their twins, and modules that wait for numba.cuda."""

import pytest
from test_jit import run

PLANS = """
import numpy as np
from xpnet_kernels import _jit
@_jit.cuda_intrinsic(lambda x: x + 1)
def next_number(typing, x): raise NotImplementedError("no code for it is made in the simulator")
@_jit.device_inline
def times(plan, x): return plan * next_number(x)
@_jit.kernel_for
def scaled(plan):
    def kernel(x):
        i = cuda.grid(1)
        x[i] = times(plan, x[i])
    return kernel
cuda = _jit.cuda
"""


@pytest.mark.parametrize("loaded_first", ["", "_jit.load_cpu()", "_jit.load_cuda()"])
def test_a_kernel_is_made_once_for_each_plan(loaded_first):
    pytest.importorskip("numba_cuda")
    code = (
        PLANS.replace("@_jit.cuda_intrinsic", loaded_first + "\n@_jit.cuda_intrinsic")
        + """
x = np.ones(2)
scaled(3)[1, 2](x)
print(*x, scaled(3) is scaled(3), scaled(3) is scaled(4))
"""
    )
    assert run(code, NUMBA_ENABLE_CUDASIM="1") == ["6.0", "6.0", "True", "False"]


def test_modules_for_later_are_imported_with_numba_cuda():
    pytest.importorskip("numba_cuda")
    code = """
import sys, xpnet_kernels
from xpnet_kernels import _jit
name = "xpnet_kernels.mlp_epoch.persistent.kernel"
print(name in sys.modules)
_jit.load_cuda()
print(name in sys.modules)
"""
    assert run(code, NUMBA_ENABLE_CUDASIM="1") == ["False", "True"]


def test_numba_cuda_finds_what_newer_numpys_have_dropped():
    pytest.importorskip("numba_cuda")
    code = """
import numpy as np, xpnet_kernels
from xpnet_kernels import _jit
vars(np).pop("row_stack", None)  # NumPy 2.5 has none
_jit.load_cuda()
from numba.cuda.np import arrayobj
print(hasattr(np, "row_stack"))
"""
    assert run(code, NUMBA_ENABLE_CUDASIM="0") == ["False"]
