"""The launch path on CuPy arrays: what is converted and configured, how often, and in which stream.

CuPy is the double's and the kernels run in numba's simulator; the driver's part has not run on a GPU.
"""

import gc
import os
import subprocess
import sys

import cupy_double
import driver_double
import numpy as np
import pytest
from cupy_double import DoubleBackend, cupy
from device_double import Stream, machine
from driver_double import driver
from engines import WARNINGS_ARE_ERRORS, simulated

import xpnet
from xpnet.nets import MultiLayerNet
from xpnet.optimizers import by_name, names
from xpnet.training._layer_by_layer import LayerRun
from xpnet.training._progress import Progress
from xpnet_kernels import _dispatch, _launch

pytestmark = pytest.mark.skipif(not simulated(), reason="a GPU is here: the real launch path is tested on it")

X = np.random.default_rng(0).normal(size=(36, 6))
T = X[:, :3].argmax(axis=1)


@pytest.fixture(autouse=True)
def _on_the_double(monkeypatch):
    driver_double.install(monkeypatch)
    cupy_double.install(monkeypatch)
    xpnet.use("numpy")
    yield
    assert machine.faults == []


def small_net(backend):
    return MultiLayerNet(6, [7], 3, weight_init_std=0.5, seed=1).to(backend)


def options(optimizer, epochs):
    return {
        "epochs": epochs,
        "batch_size": 12,
        "optimizer": optimizer,
        "seed": 0,
        "verbose": False,
        "engine": "layers",
    }


@pytest.mark.parametrize("optimizer", names())
def test_a_later_epoch_converts_and_configures_next_to_nothing(optimizer):
    backend, driver.runs = DoubleBackend(_dispatch.KERNELS), False
    net = MultiLayerNet(784, [50], 10, seed=1).to(backend)
    x, t = np.zeros((4_000, 784), dtype=np.uint8), np.zeros(4_000, dtype=int)
    run, counts = LayerRun(net, x, t, 100, by_name(optimizer)), []
    with _dispatch.serving(backend.engines):
        for _ in range(4):
            before = len(driver.views), len(driver.configured), len(driver.launched)
            run.epoch(lambda: False, Progress(0, 0, enabled=False))
            after = len(driver.views), len(driver.configured), len(driver.launched)
            counts.append(np.subtract(after, before))
    views, configured, launched = counts[-1]
    assert launched == 40 * 10
    assert configured == 0
    assert views < 0.03 * launched
    assert driver.streams == [0]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_kernels_on_cupy_arrays_train_as_numpy(optimizer):
    on_device, on_host = small_net(DoubleBackend(_dispatch.KERNELS)), small_net("numpy")
    losses = on_device.fit(X, T, **options(optimizer, 2)).loss
    np.testing.assert_allclose(losses, on_host.fit(X, T, **options(optimizer, 2)).loss, rtol=1e-4)
    for name, array in on_host.params.items():
        np.testing.assert_allclose(xpnet.to_numpy(on_device.params[name]), array, rtol=1e-3, atol=1e-5)


def fill(array, value=1.0):
    _launch.launch_over(array.size, fill_kernel, array.reshape(-1), array.dtype.type(value))


def fill_elements(array, value):
    i = cuda.grid(1)
    if i < array.size:
        array[i] = value


@pytest.fixture(autouse=True)
def _a_kernel():
    global cuda, fill_kernel
    from numba import cuda  # the simulator looks for it among the kernel's globals

    fill_kernel = cuda.jit(fill_elements)


def test_a_view_is_kept_for_its_address_shape_strides_and_dtype():
    array = cupy.zeros((4, 6), dtype="float32")
    for _ in range(3):
        fill(array)
    assert len(driver.views) == 1
    fill(array[:2])
    fill(cupy.ndarray(array.host[:2].view(np.int32), array.block))
    described = [(v["shape"], v["strides"], v["typestr"]) for v in driver.views]
    assert described == [((24,), (4,), "<f4"), ((12,), (4,), "<f4"), ((12,), (4,), "<i4")]
    _launch.launch(fill_kernel, 1, 4, array[:, 1], array.dtype.type(5))
    assert driver.views[-1]["strides"] == (24,)
    np.testing.assert_array_equal(array.get()[:, 1], [5, 5, 5, 5])


def test_views_keep_no_memory_from_the_pool_and_are_right_for_the_next_array_there():
    before = machine.used
    array = cupy.zeros(100, dtype="float32")
    address = array.data.ptr
    fill(array)
    del array
    gc.collect()
    assert machine.used == before
    again = cupy.zeros(100, dtype="float32")
    assert again.data.ptr == address
    fill(again, 3)
    assert len(driver.views) == 1
    np.testing.assert_array_equal(again.get(), np.full(100, 3, np.float32))


def test_a_bound_launch_keeps_its_arrays_and_gives_them_back():
    before = machine.used
    array = cupy.zeros(100, dtype="float32")
    launch = _launch.bound(fill_kernel, 1, 100, array.reshape(-1), array.dtype.type(3))
    del array
    gc.collect()
    assert machine.used > before
    other = cupy.zeros(100, dtype="float32")
    launch()
    np.testing.assert_array_equal(other.get(), np.zeros(100, np.float32))
    del launch, other
    gc.collect()
    assert machine.used == before


def test_what_is_kept_is_bounded():
    bounds = {
        _launch._view: _launch.VIEWS,
        _launch._kept_configuration: _launch.CONFIGURATIONS,
        _launch._kept_stream: _launch.STREAMS,
    }
    for kept, bound in bounds.items():
        assert kept.cache_info().maxsize == bound
    array = cupy.zeros(_launch.VIEWS + 50, dtype="float32")
    for size in range(1, _launch.VIEWS + 50):
        _launch._device_array(array[:size])
    assert _launch._view.cache_info().currsize == _launch.VIEWS


def test_kernels_run_in_cupys_current_stream_whose_view_is_made_once():
    array, stream = cupy.zeros(5, dtype="float32"), Stream(non_blocking=True)
    per_thread = Stream()
    per_thread.ptr = 2
    for _ in range(2):
        fill(array)
        for other in (stream, per_thread):
            with other:
                machine.stream.wait_event(machine.stack[0].record())
                fill(array)
                machine.stack[0].wait_event(other.record())
    assert driver.streams == [0, stream.ptr, 2]
    assert [stream for _, stream in driver.launched] == [f"numba's stream {n}" for n in driver.streams] * 2
    assert len(driver.configured) == 3


def test_a_users_own_kernel_still_warns_of_a_small_grid_and_ours_does_not():
    array = cupy.zeros(5, dtype="float32")
    fill(array)  # warnings are errors
    with pytest.warns(UserWarning, match="under-utilization"):
        fill_kernel[1, 32]


def run_with_numba_cuda(code):
    """Run code in a process whose numba.cuda is no simulator, though it has no driver."""
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "0", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, *WARNINGS_ARE_ERRORS, "-c", code], env=environment, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()


def test_numba_cuda_itself_takes_what_a_view_is_described_by():
    run_with_numba_cuda("""
from numba.cuda import api, types
from xpnet_kernels import _jit, _launch
_jit.load_cuda()
api.current_context = lambda: None  # the driver's
_jit.cuda.from_cuda_array_interface = api.from_cuda_array_interface.__wrapped__
for shape, strides, layout in [((3, 2), (8, 4), "C"), ((3, 2), (4, 12), "F"), ((3, 2), (16, 4), "A")]:
    view = _launch._view(0, 4096, shape, strides, "<f4")
    assert view._numba_type_ == types.Array(types.float32, 2, layout)
    passed = view._strided_memory_view_shim
    assert (passed.ptr, passed.shape, passed._layout.strides_in_bytes) == (4096, shape, strides)
    assert view.gpu_data._owner is None and not view.gpu_data.is_managed
""")


def test_numba_cuda_itself_says_nothing_of_our_small_grids():
    run_with_numba_cuda("""
import warnings
from numba.core.errors import NumbaPerformanceWarning
from numba.cuda import jit
from xpnet_kernels import _jit, _launch
_jit.load_cuda()
assert not _launch._simulated()
from xpnet_kernels.relu import relu_kernel
kept = _launch._kept_configuration(relu_kernel, 3, 256, 0)
assert kept is _launch._kept_configuration(relu_kernel, 3, 256, 0)
assert (kept.griddim, kept.blockdim) == ((3, 1, 1), (256, 1, 1))
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    jit(lambda array: None)[3, 256]
assert ["Grid size 3" in str(warning.message) for warning in seen] == [True]
""")


def test_an_empty_grid_launches_nothing():
    fill(cupy.zeros(0, dtype="float32"))
    _launch.launch(fill_kernel, (0, 3), 4, None, 1)
    assert driver.launched == []
