"""Numba is loaded by the first kernel that runs, once, in every module, and without a cache if need be."""

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from engines import WARNINGS_ARE_ERRORS

import xpnet_kernels
from xpnet_kernels import _jit, affine_relu, relu

PACKAGE = Path(xpnet_kernels.__file__).parent


def run(code, *, source_root=PACKAGE.parent, **environment):
    """Run Python code in a fresh process that treats warnings as errors; return what it printed."""
    done = subprocess.run(
        [sys.executable, *WARNINGS_ARE_ERRORS, "-c", code],
        env=os.environ | {"PYTHONPATH": str(source_root)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_import_loads_neither_numba_nor_cupy_and_the_first_kernel_call_loads_numba():
    code = """
import sys, numpy as np
import xpnet_kernels
print(*[name in sys.modules for name in ("numba", "cupy")])
xpnet_kernels.relu(np.ones(2, dtype=np.float32))
print(*[name in sys.modules for name in ("numba", "numba.cuda", "cupy")])
"""
    assert run(code) == ["False", "False", "True", "False", "False"]


def test_the_reference_does_not_load_numba():
    code = """
import sys, numpy as np
import xpnet_kernels
from xpnet_kernels import _dispatch
with _dispatch.serving(_dispatch.REFERENCE):
    xpnet_kernels.relu(np.ones(2, dtype=np.float32))
print("numba" in sys.modules)
"""
    assert run(code) == ["False"]


STAND_INS = """
import sys, xpnet_kernels
from xpnet_kernels import _jit
def stand_ins():
    values = [
        value
        for module, holder in sys.modules.items() if module.startswith("xpnet_kernels")
        for value in vars(holder).values()
    ]
    return [value for value in values if isinstance(value, (_jit.Deferred, _jit.DeferredCuda))]
def cpu_stand_ins():
    return [value for value in stand_ins() if getattr(value, "compile", None) is _jit._compile_cpu]
print(bool(stand_ins()), bool(cpu_stand_ins()))
"""


def test_no_stand_in_is_left_in_any_module_once_loaded():
    pytest.importorskip("numba_cuda")
    code = (
        STAND_INS
        + """
_jit.load_cpu()
print(cpu_stand_ins(), bool(stand_ins()))
_jit.load_cuda()
print(stand_ins())
"""
    )
    assert run(code, NUMBA_ENABLE_CUDASIM="1") == ["True", "True", "[]", "True", "[]"]


def test_kernels_defined_after_loading_are_compiled_at_once():
    _jit.load_cpu()

    @_jit.njit
    def doubled(x):
        return x + x

    assert hasattr(doubled, "py_func")
    assert doubled(3) == 6


def test_kernels_defined_before_loading_keep_working_under_a_name_of_their_own():
    code = """
from xpnet_kernels import _jit
kept = []
@_jit.njit
def doubled(x): return x + x
@_jit.njit
def quadrupled(x): return doubled(doubled(x))
kept.append(quadrupled)
print(kept[0](3), kept[0](3), type(quadrupled).__name__, type(kept[0]).__name__)
"""
    assert run(code) == ["12", "12", "CPUDispatcher", "Deferred"]


def test_a_cuda_name_outside_a_kernel_says_why_there_is_none():
    code = """
from xpnet_kernels._jit import cuda
try:
    cuda.grid(1)
except AttributeError as error:
    print(error)
"""
    assert " ".join(run(code)).startswith("cuda.grid exists in kernels only")


ROW = """
import math, numpy as np
from xpnet_kernels import _jit
@_jit.njit
def root(x): return math.sqrt(x)
root_on_device = _jit.on_device(root)
@_jit.cuda.jit
def kernel(x, y):
    i = cuda.grid(1)
    if i < x.size:
        y[i] = root_on_device(x[i])
cuda = _jit.cuda
"""


@pytest.mark.parametrize("loaded_first", ["", "_jit.load_cpu()", "_jit.load_cuda()"])
def test_a_formula_written_once_serves_the_cpu_and_a_cuda_kernel(loaded_first):
    pytest.importorskip("numba_cuda")
    code = (
        ROW.replace("@_jit.njit", loaded_first + "\n@_jit.njit")
        + """
x, y = np.array([4.0, 9.0]), np.zeros(2)
kernel[1, 2](x, y)
print(root(16.0), *y, root.py_func is root_on_device.py_func)
"""
    )
    assert run(code, NUMBA_ENABLE_CUDASIM="1") == ["4.0", "2.0", "3.0", "True"]


def test_two_threads_may_make_the_first_call_at_once():
    code = """
import sys, threading, numpy as np
sys.setswitchinterval(1e-6)
from xpnet_kernels import affine_relu, softmax
x = np.eye(3, dtype=np.float32)
start, found = threading.Barrier(4), []
def call():
    start.wait()
    y, mask = affine_relu(x, x, x[0])
    found.append((y.tolist(), softmax(x).sum()))
threads = [threading.Thread(target=call) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(found), all(one == found[0] for one in found))
"""
    assert run(code) == ["4", "True"]


def test_a_kernel_may_stand_above_the_kernel_it_calls_while_threads_load_them():
    """A thread must not compile a caller that is in place while what it calls is still a stand-in."""
    code = """
import sys, threading, numba
from xpnet_kernels import _jit
numba.njit(lambda x: x + 1)(1)  # so that the first compilation below takes no longer than any other
sys.setswitchinterval(1e-6)
@_jit.njit
def above(x): return below(x)
others = [_jit.njit(lambda x: x) for _ in range(1000)]
@_jit.njit
def below(x): return x + 1
def call():
    while type(above) is _jit.Deferred:
        pass
    found.append(above(1))
found = []
threads = [threading.Thread(target=call) for _ in range(2)]
for thread in threads: thread.start()
_jit.load_cpu()
for thread in threads: thread.join()
print(*found)
"""
    assert run(code) == ["2", "2"]


def test_kernels_run_where_no_cache_folder_can_be_written(tmp_path):
    """A file in the place of `__pycache__` and of the home cache stops root as well."""
    copy = tmp_path / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "__pycache__").touch()
    (tmp_path / "cache").touch()
    code = """
import numpy as np
from xpnet_kernels import affine, relu
y, mask = relu(np.array([-1, 2], dtype=np.float32))
from xpnet_kernels.relu import fill_relu
print(*y, *affine(np.ones((1, 2)), np.ones((2, 1)), np.ones(1))[0], fill_relu.stats.cache_path)
"""
    blocked = str(tmp_path / "cache")
    homes = {"NUMBA_CACHE_DIR": "", "XDG_CACHE_HOME": blocked, "HOME": blocked, "LOCALAPPDATA": blocked}
    found = run(code, source_root=tmp_path, **homes)
    assert found == ["0.0", "2.0", "3.0", "None"]


def test_kernels_keep_their_machine_code_on_disk(tmp_path):
    code = """
import numpy as np
from xpnet_kernels import relu
relu(np.ones(2))
from xpnet_kernels.relu import fill_relu
print(sum(fill_relu.stats.cache_hits.values()), sum(fill_relu.stats.cache_misses.values()))
"""
    folder = str(tmp_path)
    assert run(code, NUMBA_CACHE_DIR=folder) == ["0", "1"]
    assert run(code, NUMBA_CACHE_DIR=folder) == ["1", "0"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_kernels_keep_nan_and_infinity(dtype):
    x = np.array([[np.nan, -np.inf, np.inf, -1.0]], dtype=dtype)
    y, mask = relu(x)
    np.testing.assert_array_equal(y, [[np.nan, 0, np.inf, 0]])
    assert mask.tolist() == [[False, False, True, False]]
    y, _ = affine_relu(np.ones((1, 1), dtype=dtype), np.ones((1, 4), dtype=dtype), x[0])
    np.testing.assert_array_equal(y, [[np.nan, 0, np.inf, 0]])
    assert all(math.isnan(value) for value in xpnet_kernels.softmax(x)[0])


@pytest.mark.parametrize(
    ("setting", "expected"), [("", {}), ("+avx2,-avx512f", {"avx2": True, "avx512f": False})]
)
def test_instruction_sets_are_those_that_numba_compiles_for(setting, expected, monkeypatch):
    from numba.core import config

    monkeypatch.setattr(config, "CPU_FEATURES", setting)
    assert _jit.host_features() == expected
    monkeypatch.setattr(config, "CPU_FEATURES", None)
    assert "sse2" in _jit.host_features() or "neon" in _jit.host_features()
