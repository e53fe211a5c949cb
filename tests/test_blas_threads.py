"""One number of threads: XPNET_NUM_THREADS and `set_num_threads` hold BLAS too, once it is needed."""

import os
import subprocess
import sys

import pytest
from engines import WARNINGS_ARE_ERRORS

import xpnet
from xpnet_kernels import _threads

PROLOGUE = """
import os, sys
import numpy as np, xpnet
def blas():
    import threadpoolctl
    return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
x, t = np.ones((4, 3), dtype="f4"), [0, 1, 0, 1]
"""

FIRST_USES = {
    "use": "xpnet.use('numpy')",
    "an operation": "__import__('xpnet_kernels').softmax(x)",
    "a layer": "xpnet.layers.Relu().forward(x)",
    "fit": "xpnet.nets.TwoLayerNet(3, 2, 2).fit(x, t, verbose=False)",
    "predict": "xpnet.nets.TwoLayerNet(3, 2, 2).predict(x)",
}


def run(code, **environment):
    """Run Python code in a fresh process; return the words it prints."""
    paths = os.pathsep.join(path for path in sys.path if path)
    settings = {
        "PYTHONPATH": paths,
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "XPNET_BACKEND": "numpy",
    }
    done = subprocess.run(
        [sys.executable, *WARNINGS_ARE_ERRORS, "-c", PROLOGUE + code],
        env={k: v for k, v in os.environ.items() if k != _threads.VARIABLE} | settings | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture(scope="module")
def settable():
    """Skip where BLAS, Accelerate, has no number of threads to set; return how many pools there are."""
    pools = len(run("print(*blas())"))  # apart: here another test may have brought in SciPy's
    if not pools:
        pytest.skip("NumPy's BLAS here has no number of threads to set")
    return pools


@pytest.mark.parametrize("first_use", FIRST_USES)
def test_the_environment_holds_blas_from_the_first_use_on(first_use, settable):
    code = FIRST_USES[first_use] + "\nprint('threadpoolctl' in sys.modules, *blas())"
    assert run(code, XPNET_NUM_THREADS="3") == ["True", *["3"] * settable]


def test_without_a_choice_blas_is_left_alone_and_the_library_not_loaded():
    code = "\n".join(FIRST_USES.values()) + "\nprint('threadpoolctl' in sys.modules)"
    assert run(code) == ["False"]


def test_the_import_alone_sets_nothing():
    assert run("print('threadpoolctl' in sys.modules)", XPNET_NUM_THREADS="1") == ["False"]


def test_a_choice_holds_blas_and_none_gives_back_what_it_had(settable):
    code = """
xpnet.set_num_threads(2)
two = blas()
xpnet.set_num_threads(3)
three = blas()
xpnet.set_num_threads(None)
print(*two, *three, *blas())
"""
    assert run(code) == [number for number in "231" for _ in range(settable)]


def test_the_variable_may_be_set_before_any_fit(settable):
    code = FIRST_USES["fit"] + "; os.environ['XPNET_NUM_THREADS'] = '3'\n" + FIRST_USES["fit"]
    assert run(code + "; print(*blas())") == ["3"] * settable


def test_limits_that_somebody_else_sets_stay(settable):
    code = """
import threadpoolctl
xpnet.use("numpy")
with threadpoolctl.threadpool_limits(1):
    xpnet.use("numba")
    print(*blas())
"""
    assert run(code, XPNET_NUM_THREADS="2") == ["1"] * settable


def test_a_wrong_choice_changes_nothing(settable):
    code = """
xpnet.set_num_threads(3)
try:
    xpnet.set_num_threads(0)
except ValueError as error:
    print(*blas(), type(error).__name__)
"""
    assert run(code) == [*["3"] * settable, "ValueError"]


def test_a_wrong_variable_is_an_error_at_the_first_use(monkeypatch):
    monkeypatch.setenv(_threads.VARIABLE, "2.5")
    with pytest.raises(ValueError, match="XPNET_NUM_THREADS is '2.5'; it must be a whole number above 0"):
        xpnet.use("numpy")
