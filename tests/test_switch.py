"""The switch between backends: names, environment, threads, notebook cells."""

import asyncio
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from stand_ins import EVERY_BACKEND, StrictBackend, check

import xpnet
from xpnet import _backends
from xpnet._backends import cuda
from xpnet._backends.base import Problem
from xpnet.layers import Relu
from xpnet_kernels import Implementation, relu


def served_by_kernels():
    """Whether NumPy arrays are served by Numba kernels here and now."""
    from xpnet_kernels import _dispatch

    return _dispatch.current().get("numpy") == "numba"


@pytest.mark.parametrize("name", ["numpy", "numba", "cupy", "numba-cuda"])
def test_each_backend_is_usable_or_says_why(name):
    status = {status.name: status for status in xpnet.backends()}[name]
    if status.usable:
        assert status.device
        assert str(status) == f"{name:<11} usable: {status.device}"
    else:
        assert status.reason
        assert status.remedy
        with pytest.raises(xpnet.BackendUnavailableError, match="cannot be used here: .*To mend it: "):
            xpnet.use(name)
        pytest.skip(f"{status.reason}; {status.remedy}")


def test_names_and_aliases():
    assert xpnet.use("cpu").name == "numba"
    assert served_by_kernels()
    assert xpnet.use("numpy").name == "numpy"
    assert not served_by_kernels()


def test_an_unknown_name_lists_the_choices_and_changes_nothing():
    xpnet.use("numpy")
    with pytest.raises(
        ValueError, match="unknown backend 'cuda'; choose one of numpy, numba, cupy, numba-cuda, cpu"
    ):
        xpnet.use("cuda")
    assert xpnet.current_backend().name == "numpy"


def test_auto_prefers_a_gpu_and_says_what_it_took(capsys, monkeypatch):
    gpu = _backends._BACKENDS["numba-cuda"]
    monkeypatch.setattr(type(gpu), "problem", lambda self: Problem("no device here", "buy one"))
    assert xpnet.use("auto").name == "numba"
    assert "backend auto took numba on CPU" in capsys.readouterr().err
    with pytest.raises(xpnet.BackendUnavailableError, match="no device here. To mend it: buy one"):
        xpnet.use("gpu")
    monkeypatch.setattr(type(gpu), "problem", lambda self: None)
    assert _backends.find("auto") is gpu
    assert _backends.find("gpu") is gpu


def test_using_puts_the_choice_back_even_after_an_error():
    xpnet.use("numpy")
    with pytest.raises(ZeroDivisionError), xpnet.using("numba"):
        assert xpnet.current_backend().name == "numba"
        1 / 0  # noqa: B018
    assert xpnet.current_backend().name == "numpy"


def test_the_choice_holds_in_threads_and_across_await():
    xpnet.use("numpy")
    seen = []

    def look():
        seen.append((xpnet.current_backend().name, served_by_kernels()))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    async def cells():
        async def choose():
            xpnet.use("numba")

        await asyncio.create_task(choose())
        look()

    asyncio.run(cells())
    assert seen == [("numpy", False), ("numba", True)]


def test_the_choice_holds_from_one_notebook_cell_to_the_next():
    """Each cell of a notebook runs in a copy of the context that the kernel started with."""
    import contextvars

    start = contextvars.copy_context()
    start.copy().run(xpnet.use, "numpy")
    assert start.copy().run(lambda: xpnet.current_backend().name) == "numpy"
    start.copy().run(xpnet.use, "numba")
    assert start.copy().run(served_by_kernels)


def test_data_decide_where_work_runs():
    strict = StrictBackend()
    xpnet.use("numba")
    check(Relu().forward(strict.asarray([-1.0, 2.0])), [0, 2], strict)
    xpnet.use(strict)
    assert isinstance(Relu().forward(np.array([-1.0, 2.0])), np.ndarray)


def test_a_net_put_on_a_backend_is_served_by_it(monkeypatch):
    xpnet.use("numba")
    net = xpnet.nets.TwoLayerNet(3, 2, 2).to("numpy")
    kernels = []
    noting = Implementation("numba", "noting", lambda x: kernels.append(x))
    monkeypatch.setattr(relu, "_serving", {"numba": [noting]})
    net.predict(np.ones((1, 3)))
    net.fit(np.ones((4, 3)), [0, 1, 0, 1], verbose=False)
    assert kernels == []
    assert served_by_kernels()


def test_what_is_converted_on_the_host_begins_where_kernels_read_it_in_place():
    for rows in range(1, 20):
        values = np.arange(3.0 * rows).reshape(rows, 3)
        converted = xpnet.asarray(values, dtype="float32", backend="numpy")
        np.testing.assert_array_equal(converted, values.astype(np.float32), strict=True)
        assert converted.ctypes.data % 64 == 0
        assert xpnet.asarray(values.T, dtype="float32", backend="numpy").tolist() == values.T.tolist()


def test_asarray_and_to_numpy(backend):
    array = xpnet.asarray([1, 2], dtype="float32")
    check(array, [1, 2], backend, "float32")
    assert xpnet.asarray(array) is array
    assert type(xpnet.to_numpy(array)) is np.ndarray
    assert xpnet.asarray(array, backend="numpy").tolist() == [1, 2]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("numpy", "numpy"), ("cpu", "numba"), ("auto", None), (None, None)],
)
def test_the_environment_variable(choice, expected):
    out = in_subprocess("print(xpnet.current_backend().name)", choice)
    assert out.stdout.strip() in ([expected] if expected else ["numba", "numba-cuda"])


def test_a_wrong_environment_variable_is_named_at_first_use_and_not_at_import():
    assert in_subprocess("print('imported')", "tpu").stdout.strip() == "imported"
    out = in_subprocess("xpnet.nets.TwoLayerNet(3, 2, 2)", "tpu")
    assert "ValueError: XPNET_BACKEND=tpu: unknown backend 'tpu'; choose one of" in out.stderr
    out = in_subprocess("import numpy; xpnet.softmax(numpy.ones(3))", "tpu")
    assert "XPNET_BACKEND=tpu" in out.stderr


def in_subprocess(line, choice):
    environment = {name: value for name, value in os.environ.items() if name != "XPNET_BACKEND"}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    if choice is not None:
        environment["XPNET_BACKEND"] = choice
    command = [sys.executable, "-c", f"import xpnet; {line}"]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


class FakeRuntime:
    """CuPy's runtime module on a machine of a given state."""

    class CUDARuntimeError(Exception):
        pass

    def __init__(self, count):
        self.count = count

    def getDeviceCount(self):
        if isinstance(self.count, str):
            raise self.CUDARuntimeError(self.count)
        return self.count


@pytest.mark.parametrize(
    ("count", "reason"),
    [
        (
            "cudaErrorInsufficientDriver: CUDA driver version is insufficient",
            "no NVIDIA driver, or it is older",
        ),
        ("cudaErrorNoDevice: no CUDA-capable device is detected", "no CUDA device is visible"),
        (0, "no CUDA device is visible"),
        ("cudaErrorUnknown: unknown error", "CUDA does not start"),
    ],
)
def test_the_state_of_the_driver_in_plain_words(count, reason, monkeypatch):
    from types import SimpleNamespace

    fake = SimpleNamespace(cuda=SimpleNamespace(runtime=FakeRuntime(count)))
    monkeypatch.setattr(cuda.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(cuda.importlib, "import_module", lambda name: fake)
    problem = cuda._cupy_problem.__wrapped__()
    assert reason in problem.reason
    assert problem.remedy


def test_missing_and_broken_packages_in_plain_words(monkeypatch):
    monkeypatch.setattr(cuda.importlib.util, "find_spec", lambda name: None)
    assert cuda._cupy_problem.__wrapped__().reason == "CuPy is not installed"
    assert "pip install" in cuda._cupy_problem.__wrapped__().remedy

    def broken(name):
        raise ImportError("libcuda.so.1: cannot open\nmore")

    monkeypatch.setattr(cuda.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(cuda.importlib, "import_module", broken)
    assert "does not import (libcuda.so.1: cannot open)" in cuda._cupy_problem.__wrapped__().reason
    monkeypatch.setenv("NUMBA_ENABLE_CUDASIM", "0")
    assert "numba.cuda does not import" in cuda._numba_problem.__wrapped__().reason
    monkeypatch.setenv("NUMBA_ENABLE_CUDASIM", "1")
    assert "simulator" in cuda._numba_problem.__wrapped__().reason


def test_every_backend_names_itself():
    for name, backend in EVERY_BACKEND.items():
        assert repr(backend) == f"<xpnet backend {name}>"
