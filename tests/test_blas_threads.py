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


QUOTA = """
from xpnet_kernels import _threads
_threads.processors = lambda: 64
_threads.quota = lambda: {quota}
"""


def unset(*names):
    """Return settings in which these variables have no value."""
    return dict.fromkeys(names, "")


@pytest.fixture(scope="module")
def own_number(settable):
    """BLAS's own number of threads, above 1; skip where there is one processor."""
    (number, *_) = run("print(*blas())", **unset("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"))
    if int(number) < 2:
        pytest.skip("BLAS has one thread here anyhow")
    return number


@pytest.mark.parametrize("first_use", FIRST_USES)
def test_a_quota_holds_blas_where_nobody_chose_a_number(first_use, settable, own_number):
    code = QUOTA.format(quota=1) + FIRST_USES[first_use] + "\nprint(*blas())"
    assert run(code, **unset("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")) == ["1"] * settable


def test_a_quota_gives_blas_no_more_threads_than_it_has(settable):
    code = QUOTA.format(quota=8) + FIRST_USES["use"] + "\nprint(*blas())"
    plain = run("print(*blas())", **unset("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"))
    if int(plain[0]) > 8:
        pytest.skip("BLAS has more threads here")
    assert run(code, **unset("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")) == plain


@pytest.mark.parametrize("quota", [None, 64, 100])
def test_without_a_quota_below_the_processors_blas_is_left_alone(quota):
    code = QUOTA.format(quota=quota) + FIRST_USES["use"] + "\nprint('threadpoolctl' in sys.modules)"
    assert run(code, **unset("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")) == ["False"]


def test_a_number_that_blas_was_given_by_its_own_variable_stays(settable):
    code = QUOTA.format(quota=1) + FIRST_USES["use"] + "\nprint(*blas())"
    two = {"OPENBLAS_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    assert run(code, **two) == run("print(*blas())", **two)


def test_after_a_choice_is_taken_back_the_quota_holds_again(settable, own_number):
    code = QUOTA.format(quota=1) + "xpnet.set_num_threads(2); two = blas(); xpnet.set_num_threads(None)"
    code += "; print(*two, *blas())"
    found = run(code, **unset("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"))
    assert found == [*["2"] * settable, *["1"] * settable]


WITHOUT = """
import warnings
sys.modules["threadpoolctl"] = None
from xpnet_kernels import _threads
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    {code}
print(len(found), _threads.allowed(enough_work=True), *{{str(one.message) for one in found}})
"""


def test_without_threadpoolctl_compiled_code_follows_and_one_warning_says_so():
    code = WITHOUT.format(code="xpnet.set_num_threads(3); xpnet.use('numpy'); xpnet.set_num_threads(5)")
    count, threads, *words = run(code)
    assert (count, threads) == ("1", "5")
    assert " ".join(words).startswith("xpnet: threadpoolctl is not installed, so the number of threads holds")


def test_without_threadpoolctl_and_a_number_nothing_is_missing():
    code = WITHOUT.format(code="xpnet.use('numpy'); xpnet.set_num_threads(None)")
    assert run(code)[0] == "0"
