"""A device without enough memory: one error that says so, and a net as it was, wherever the memory ran out.

CuPy is the double's, which refuses the n-th allocation: every one of a run in turn.
"""

import itertools

import cupy_double
import numpy as np
import pytest
from cupy_double import DoubleBackend, cupy
from device_double import OutOfMemoryError, machine

import xpnet
from xpnet._backends.memory import enough_memory, in_words
from xpnet.layers import Affine, TimeRNN
from xpnet.nets import MultiLayerNet, Sequential
from xpnet.optimizers import Adam, by_name, names
from xpnet.training import _data
from xpnet_kernels import _dispatch, _launch, mlp_epoch
from xpnet_kernels._operation import Implementation

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 6)).astype(np.float32)
T = X[:, :3].argmax(axis=1)


@pytest.fixture(autouse=True)
def _on_the_double(monkeypatch):
    cupy_double.install(monkeypatch)
    xpnet.use("numpy")


def small_net(**options):
    return MultiLayerNet(6, [5], 3, weight_init_std=0.5, weight_decay_lambda=0.01, seed=1, **options)


def values(net, optimizer=None):
    """Every array of a net and of an optimizer, on the host."""
    cells = net.params.cells.values()
    arrays = [cell.data for cell in cells]
    if optimizer is not None:
        arrays += [array for cell in cells for array in optimizer.state_of(cell).values()]
    return [xpnet.to_numpy(array).copy() for array in arrays]


def assert_same(first, second):
    for array, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(array, other)


def failing_at(number):
    """Refuse the n-th allocation from here."""
    machine.fail_at = machine.allocations + number


def failure(call, *args, **options):
    """Return what the error says, or None if there was none."""
    try:
        call(*args, **options)
    except xpnet.DeviceMemoryError as error:
        return str(error)
    finally:
        machine.fail_at = None


def everything(net, optimizer):
    cells = net.params.cells.values()
    return [(c.data, c.grad, dict(c.state[optimizer])) for c in cells], net.dtype, net._pinned, net.backend


def same_objects(first, second):
    return all(
        a[0] is b[0] and a[1] is b[1] and all(a[2][name] is b[2][name] for name in a[2])
        for a, b in zip(first[0], second[0], strict=True)
    )


@pytest.mark.parametrize("way", ["to the device", "to another dtype there"])
def test_a_net_is_moved_wholly_or_not_at_all(way):
    net, adam = small_net(), Adam()
    if way != "to the device":
        net.to(DoubleBackend())
    adam.update(net.params, net.gradient(X, T))
    before = everything(net, adam)
    target = {"backend": DoubleBackend()} if way == "to the device" else {"dtype": "float64"}
    size = in_words(sum(array.size for array in net.params.values()) * 4 * (8 if "dtype" in target else 4))
    for number in itertools.count(1):
        failing_at(number)
        said = failure(net.to, **target)
        if said is None:
            break
        assert same_objects(everything(net, adam), before)
        assert everything(net, adam)[1:] == before[1:]
        assert said.startswith("moving the net: too little memory on GPU 0, double: ")
        assert f"{size} needed in all, 1000.0 GB free (Out of memory allocating " in said
        assert "Take a smaller net" in said
    assert number == 1 + 4 * 4  # four parameters: data, gradient, two moments
    assert net.backend.name == "cupy"
    assert str(net.params["W1"].dtype) == target.get("dtype", "float32")


def test_the_carried_state_of_a_layer_stays_as_well():
    rnn = TimeRNN(np.ones((3, 2)), np.ones((2, 2)), np.zeros(2), stateful=True)
    net = Sequential([Affine(np.ones((3, 3)), np.zeros(3)), rnn, Affine(np.ones((2, 2)), np.zeros(2))])
    h = rnn.h = np.ones((1, 2), dtype=np.float32)
    failing_at(7)
    with pytest.raises(xpnet.DeviceMemoryError):
        net.to(DoubleBackend())
    assert rnn.h is h
    net.to(DoubleBackend())
    assert type(rnn.h) is not np.ndarray


@pytest.mark.parametrize("stream", [False, True])
def test_before_the_first_step_the_net_is_as_it_was(stream):
    for number in itertools.count(1):
        net = small_net()
        failing_at(number)
        said = failure(net.fit, X, T, backend=DoubleBackend(), stream=stream, engine="layers", verbose=False)
        if said is None or said.startswith("step 2"):
            break
        assert_same(values(net), values(small_net()))
        assert net.backend.name == "numpy"
    assert number > 20


def test_data_that_do_not_fit_leave_the_net_where_it_was():
    net, expected = small_net(), values(small_net())
    machine.total = 700
    with pytest.raises(xpnet.DeviceMemoryError) as caught:
        net.fit(X, T, backend=DoubleBackend(), stream=False, verbose=False)
    assert str(caught.value).startswith(
        "fit, the data: too little memory on GPU 0, double: 1.2 kB needed in all, "
    )
    assert "Give them as NumPy arrays with stream=True" in str(caught.value)
    assert net.backend.name == "numpy"
    assert_same(values(net), expected)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("optimizer", names())
def test_a_step_without_memory_leaves_the_net_as_the_last_one_did(optimizer, stream, monkeypatch):
    monkeypatch.setattr(_data, "PORTION", 20 * 40)  # two batches
    options = {"batch_size": 10, "seed": 0, "verbose": False, "engine": "layers", "stream": stream}
    after = []  # the values after each number of steps

    class Watched(type(by_name(optimizer))):
        def update(self, params, grads):
            super().update(params, grads)
            after.append(values(net, self))

    net, watched = small_net().to(DoubleBackend()), Watched()
    after.append(values(net, watched))
    net.fit(X, T, optimizer=watched, **options)
    seen = set()
    for number in itertools.count(1):
        net, made = small_net().to(DoubleBackend()), by_name(optimizer)
        failing_at(number)
        said = failure(net.fit, X, T, optimizer=made, **options)
        if said is None:
            break
        assert_same(values(net, made), after[made.steps])
        assert "Out of memory allocating" in said
        if said.startswith("step"):
            assert said.startswith(f"step {made.steps + 1} of epoch 1: too little memory on GPU 0, double: ")
            assert "Lower batch_size (10)" in said
            assert ("stream=True" in said) == (not stream)
            seen.add(made.steps)
    assert seen >= {0, 1, 2}
    assert number > 100


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_compiled_epoch_without_memory_leaves_the_net_as_the_last_portion_did(optimizer, monkeypatch):
    def epoch(*arrays, **options):
        losses, *new = mlp_epoch.reference(cupy, *arrays, **options)
        after.append([array.get() for array in new])
        return (losses, *new)

    made, after = Implementation("double", "reference", epoch), []
    monkeypatch.setattr(mlp_epoch, "implementations", [*mlp_epoch.implementations, made])
    monkeypatch.setattr(_data, "PORTION", 10 * 40)  # one batch
    options = {"batch_size": 10, "seed": 0, "verbose": False, "stream": True}
    small_net().to(DoubleBackend({"cupy": "double"})).fit(X, T, optimizer=optimizer, **options)
    expected, seen = after[:4], set()  # what it starts from, and after each of three portions
    for number in itertools.count(1):
        net, given = small_net().to(DoubleBackend({"cupy": "double"})), by_name(optimizer)
        failing_at(number)
        said = failure(net.fit, X, T, optimizer=given, **options)
        if said is None:
            break
        cells = net.params.cells.values()
        state = [given.state_of(cell) for cell in cells]
        arrays = [cell.data for cell in cells]
        arrays += [kept[name] for name in given.state_names for kept in state]
        assert_same([array.get() for array in arrays], expected[given.steps])
        if "epoch 1" in said:
            assert said.startswith(f"epoch 1 after step {given.steps}: too little memory")
            seen.add(given.steps)
    assert seen == {0, 1, 2}


def test_an_update_by_kernels_asks_for_no_memory(monkeypatch):
    monkeypatch.setattr(_launch, "launch_over", lambda size, kernel, *args: None)
    for optimizer in map(by_name, names()):
        net = small_net().to(DoubleBackend(_dispatch.KERNELS))
        grads = {name: cupy.zeros(array.shape, dtype="float32") for name, array in net.params.items()}
        with _dispatch.serving(_dispatch.KERNELS):
            optimizer.update(net.params, grads)
            before = machine.allocations
            optimizer.update(net.params, grads)
        assert machine.allocations == before


def test_accuracy_without_memory():
    net = small_net().to(DoubleBackend())
    failing_at(3)
    with pytest.raises(xpnet.DeviceMemoryError, match="accuracy: too little memory on GPU 0, double"):
        net.accuracy(X, T)


def test_the_error_keeps_no_memory_of_the_failed_call():
    def hungry():
        kept = cupy.zeros(1000)
        return kept, cupy.zeros(2 * machine.total)

    backend, before = DoubleBackend(), machine.used
    machine.total = 100_000
    with pytest.raises(xpnet.DeviceMemoryError) as caught, enough_memory(backend, "it", "Lower it."):
        hungry()
    assert machine.used == before
    assert isinstance(caught.value, MemoryError)
    assert isinstance(caught.value.__cause__, OutOfMemoryError)
    assert str(caught.value) == (
        "it: too little memory on GPU 0, double: 100.0 kB free (Out of memory allocating 1,600,000 bytes "
        "(allocated so far: 8,000 bytes)). Lower it."
    )


@pytest.mark.parametrize(
    "status",
    [
        "cudaErrorMemoryAllocation: out of memory",
        "[2] Call to cuMemAlloc results in CUDA_ERROR_OUT_OF_MEMORY",
        "CUBLAS_STATUS_ALLOC_FAILED",
    ],
)
def test_other_libraries_errors_for_it_are_known(status):
    with pytest.raises(xpnet.DeviceMemoryError), enough_memory(DoubleBackend(), "it", "Lower it."):
        raise RuntimeError(status)


def test_other_errors_pass_and_an_inner_one_is_not_wrapped_again():
    backend = DoubleBackend()
    with pytest.raises(ZeroDivisionError), enough_memory(backend, "it", ""):
        raise ZeroDivisionError
    with pytest.raises(MemoryError) as caught, enough_memory(xpnet.current_backend(), "it", ""):
        raise MemoryError("the host's")
    assert not isinstance(caught.value, xpnet.DeviceMemoryError)
    outer, inner = enough_memory(backend, "outer", ""), enough_memory(backend, "inner", "")
    with pytest.raises(xpnet.DeviceMemoryError, match="^inner: "), outer, inner:
        raise RuntimeError("cudaErrorMemoryAllocation")


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (2_500, "2.5 kB"), (9.4e9, "9.4 GB"), (7e7, "70.0 MB")],
)
def test_sizes_in_words(size, words):
    assert in_words(int(size)) == words
