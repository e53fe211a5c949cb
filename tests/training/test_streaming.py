"""Data that stay on the host and travel in portions; the double of CuPy makes copies as late as it may."""

import gc
from signal import SIGINT, raise_signal

import cupy_double
import numpy as np
import pytest
from cupy_double import DoubleBackend, cupy
from device_double import Race, machine

import xpnet
from xpnet.layers import Affine, Dropout, IdentityWithLoss, Tanh
from xpnet.nets import MultiLayerNet, Sequential, _scores
from xpnet.optimizers import SGD
from xpnet.training import _data
from xpnet_kernels import mlp_epoch
from xpnet_kernels._operation import Implementation

RNG = np.random.default_rng(0)
X = RNG.normal(size=(107, 6))
T = X[:, :3].argmax(axis=1)
PIXELS = RNG.integers(0, 256, (107, 6)).astype(np.uint8)
ROW = 6 * 4 + 8 + 8
"""Bytes of a float32 sample of X with its label and its place in the order."""

COPYING = "stream 2"

calls = []


def epoch_on_the_double(*arrays, **options):
    rows = arrays[2].shape[0] if options["options"] else 0  # no steps: it would compile
    calls.append((arrays[0].data.ptr, rows, id(options["workspace"])))
    machine.log.append(("train", rows))
    return mlp_epoch.reference(cupy, *arrays, **options)


@pytest.fixture(autouse=True)
def _on_the_double(monkeypatch):
    made = Implementation("double", "reference", epoch_on_the_double)
    monkeypatch.setattr(mlp_epoch, "implementations", [*mlp_epoch.implementations, made])
    monkeypatch.setattr(_data, "PORTION", 30 * ROW)  # three batches of ten
    cupy_double.install(monkeypatch)
    calls.clear()
    xpnet.use("numpy")
    gc.freeze()  # what is collected below is what the test has made
    yield
    gc.collect()
    gc.unfreeze()
    assert machine.faults == []


@pytest.fixture(params=["layers", "compiled"])
def engine(request):
    return request.param


def backend_of(engine, **methods):
    made = DoubleBackend({"cupy": "double"} if engine == "compiled" else {})
    for name, method in methods.items():
        setattr(made, name, method)
    return made


def trained(engine, stream, x=X, t=T, make=None, backend=None, **options):
    net = make() if make else MultiLayerNet(6, [8], 3, weight_init_std=0.5, seed=1)
    net.to(backend or backend_of(engine))
    options = {"epochs": 3, "batch_size": 10, "optimizer": "momentum", "seed": 0, "verbose": False} | options
    options["on_interrupt"] = "stop"
    engine = "auto" if engine == "compiled" else "layers"
    history = net.fit(x, t, engine=engine, stream=stream, **options)
    return net, history


def assert_same_bits(first, second):
    (net, history), (other, expected) = first, second
    assert history.loss == expected.loss
    assert history.train_accuracy == expected.train_accuracy
    for name, array in other.params.items():
        np.testing.assert_array_equal(net.params[name].get(), array.get())


FORMS = {
    "float64": (X, T),
    "uint8": (PIXELS, T),
    "grey levels": (PIXELS % 16, T),
    "one-hot": (X, np.eye(3)[T]),
    "small labels": (X.astype("float32"), T.astype(np.uint8)),
    "images": (X.reshape(107, 1, 2, 3), T),
    "columns": (np.asfortranarray(X.astype("float32")), T),
    "lists": (X.tolist(), T.tolist()),
}


@pytest.mark.parametrize("form", FORMS)
def test_streamed_data_train_as_resident_data_bit_for_bit(form, engine):
    x, t = FORMS[form]
    expected = trained(engine, False, x, t)
    assert not [entry for entry in machine.log if entry[0] == "copy"]
    assert_same_bits(trained(engine, True, x, t), expected)
    assert len([entry for entry in machine.log if entry[0] == "copy"]) >= 3 * 2 * 2
    assert (len(calls) > 0) == (engine == "compiled")


@pytest.mark.parametrize("samples", [1, 9, 10, 29, 30, 31, 60, 61, 90, 107])
@pytest.mark.parametrize("batch_size", [1, 10, 25, 30, 40, 200])
def test_any_number_of_samples_and_any_batch(samples, batch_size, engine):
    x, t = X[:samples], T[:samples]
    expected = trained(engine, False, x, t, batch_size=batch_size, epochs=2)
    assert_same_bits(trained(engine, True, x, t, batch_size=batch_size, epochs=2), expected)


def test_any_net_and_loss():
    def make():
        rng = np.random.default_rng(3)
        W, V = rng.normal(size=(6, 8)), rng.normal(size=(8, 2))
        layers = [Affine(W, np.zeros(8)), Tanh(), Dropout(0.3), Affine(V, np.zeros(2))]
        return Sequential(layers, loss=IdentityWithLoss())

    targets = np.sin(X[:, :2])
    expected = trained("layers", False, t=targets, make=make)
    assert_same_bits(trained("layers", True, t=targets, make=make), expected)


def test_a_portion_is_copied_while_the_one_before_is_trained():
    trained("compiled", True, epochs=1)
    steps = machine.log[machine.log.index(("train", 0)) + 1 :]
    words = {
        ("wait", "null", COPYING): "trains after the copy",
        ("wait", COPYING, "null"): "copies after the training",
        ("host waits", COPYING): "gathers after the copy",
    }
    said = [words.get(entry, (entry[0], entry[-1])) for entry in steps]
    said = [word for word in said if word[0] not in ("record", "host waits")]

    def copies(rows):
        after = "copies after the training"
        return [after, ("copy", (rows, 6)), after, ("copy", (rows,))]

    def trains(rows):
        return ["trains after the copy", ("train", rows)]

    assert said[: said.index(("train", 17)) + 1] == [
        "gathers after the copy",  # of the first samples, for which it was compiled
        *copies(30),
        *copies(30),
        *trains(30),
        "gathers after the copy",
        *copies(30),
        *trains(30),
        "gathers after the copy",
        *copies(17),
        *trains(30),
        *trains(17),
    ]


def test_each_place_keeps_its_arrays_and_its_workspace():
    trained("compiled", True)
    places = {(address, workspace) for address, _, workspace in calls}
    assert len(places) == 2
    assert len({address for address, _ in places}) == len({workspace for _, workspace in places}) == 2
    assert [rows for _, rows, _ in calls] == [0] + [30, 30, 30, 17] * 3


LEFT_OUT = {
    "the training does not wait for the copy": "let_device_wait",
    "the host does not wait for the copy from its buffer": "let_host_wait",
}


@pytest.mark.parametrize("what", LEFT_OUT)
def test_a_wait_left_out_gives_other_weights_or_is_caught(what, engine):
    expected = trained(engine, False)
    broken = backend_of(engine, **{LEFT_OUT[what]: lambda mark: None})
    with pytest.raises((AssertionError, xpnet.DivergedError)):
        assert_same_bits(trained(engine, True, backend=broken), expected)
    machine.faults = []


def test_a_copy_that_does_not_wait_for_the_training_is_caught(engine):
    backend = backend_of(engine)
    upload = backend.upload
    started = cupy.cuda.Event()
    started.stream, started.known, started.issued = machine.stream, {}, 0
    backend.upload = lambda source, target, after: upload(source, target, started)
    with pytest.raises(Race):
        trained(engine, True, backend=backend)
    machine.faults = []


def room(size):
    """Leave so many bytes of device memory free."""
    machine.total = machine.used + size


def many_samples(monkeypatch):
    """Return data of 40 bytes a sample, and let their accuracy be measured in small chunks."""
    monkeypatch.setattr(_scores, "CHUNK", 50)
    x = RNG.normal(size=(2000, 6))
    return x, x[:, :3].argmax(axis=1)


def test_data_that_do_not_fit_are_streamed_and_it_is_said(capsys, engine, monkeypatch):
    x, t = many_samples(monkeypatch)
    expected = trained(engine, False, x, t, epochs=2)
    room(60_000)
    assert_same_bits(trained(engine, None, x, t, epochs=2, verbose=True), expected)
    first, *epochs = capsys.readouterr().err.splitlines()
    assert first.startswith("xpnet: cupy on GPU 0, double, float32, ")
    assert "; data streamed from the host: 80.0 kB, " in first
    assert first.endswith(" kB free")
    assert [line.split(",")[0] for line in epochs] == ["xpnet: epoch 1/2", "xpnet: epoch 2/2"]


@pytest.mark.parametrize(("dtype", "said"), [("int64", True), ("uint8", False)])
def test_streamed_pixels_that_are_not_scaled_are_said(dtype, said, capsys, engine):
    pixels = np.tile(np.arange(0, 240, 40), (107, 1)).astype(dtype)
    trained(engine, True, pixels, verbose=True)
    assert ("the inputs reach 200" in capsys.readouterr().err) == said


def test_data_that_fit_are_not_streamed_and_nothing_is_said(capsys, engine):
    trained(engine, None, verbose=True)
    assert "streamed" not in capsys.readouterr().err
    assert not [entry for entry in machine.log if entry[0] == "copy"]


@pytest.mark.parametrize("engine", ["layers"])
def test_the_pool_and_its_limit_count(engine):
    backend = backend_of(engine)
    machine.total, machine.pooled = 10_000, 4_000
    assert backend.free_memory() == 10_000
    machine.limit = 3_000
    assert backend.free_memory() == 3_000
    array = cupy.zeros(250, dtype="float32")
    assert backend.free_memory() == 2_000
    machine.limit = 500
    assert backend.free_memory() == 0
    del array


def test_no_portion_is_larger_than_planned(monkeypatch, engine):
    trained(engine, True)
    shapes = {entry[2] for entry in machine.log if entry[0] == "copy"}
    assert shapes == {(30, 6), (30,), (17, 6), (17,)}


@pytest.mark.parametrize(
    ("samples", "batch", "size", "allowed", "rows"),
    [
        (1000, 10, 100, 10**9, 1000),
        (100_000, 10, 100, 20_000, 100),
        (100_000, 64, 100, 20_000, 64),
        (100_000, 128, 100, 20_000, 128),  # one batch at least
        (10**6, 7, 100, 10**12, 10 * 2**20 // 100 // 7 * 7),
        (50, 64, 100, 20_000, 50),
        (10**9, 100, 784, 1.5 * 2**20, 1000),
    ],
)
def test_the_plan(samples, batch, size, allowed, rows, monkeypatch):
    monkeypatch.setattr(_data, "PORTION", 10 * 2**20)
    assert _data.portion_rows(samples, batch, size, allowed) == rows


def test_the_plan_keeps_to_its_share_of_the_device(monkeypatch, engine):
    monkeypatch.setattr(_data, "PORTION", 64 * 2**20)
    x, t = many_samples(monkeypatch)
    room(50_000)
    trained(engine, None, x, t)
    rows = max(entry[2][0] for entry in machine.log if entry[0] == "copy")
    assert 30_000 < 2 * rows * ROW <= 0.8 * 50_000


def test_what_the_option_means_elsewhere():
    on_device = cupy.asarray(X.astype("float32"))
    with pytest.raises(
        ValueError, match=r"stream=True, but the data are on GPU 0, double already; give NumPy"
    ):
        trained("layers", True, x=on_device, t=cupy.asarray(T))
    trained("layers", None, x=on_device, t=cupy.asarray(T))
    assert not [entry for entry in machine.log if entry[0] == "copy"]
    host = [
        MultiLayerNet(6, [8], 3, seed=1).fit(X, T, seed=0, stream=stream, verbose=False).loss
        for stream in (None, True, False)
    ]
    assert host[0] == host[1] == host[2]


class StopsAt(SGD):
    """Asks to stop in its 15th step, in the middle of a portion."""

    def update(self, params, grads):
        super().update(params, grads)
        if self.steps == 5:
            raise_signal(SIGINT)


def test_ctrl_c_in_the_middle_of_a_portion_keeps_complete_steps_and_training_goes_on():
    nets = []
    for stream in (False, True):
        optimizer = StopsAt(lr=0.1)
        net, history = trained("layers", stream, optimizer=optimizer)
        assert history.interrupted
        assert (len(history.loss), optimizer.steps) == (5, 5)
        again = net.fit(X, T, batch_size=10, optimizer=optimizer, seed=1, verbose=False, stream=stream)
        assert len(again.loss) == 11
        nets.append((net, again))
    assert_same_bits(*nets)


@pytest.mark.parametrize("portion", [1, 2, 4])
def test_ctrl_c_between_portions_ends_a_compiled_epoch(portion, monkeypatch):
    def presses(*arrays, **options):
        made = epoch_on_the_double(*arrays, **options)
        if len(calls) == 1 + portion:  # the first call compiles
            raise_signal(SIGINT)
        return made

    monkeypatch.setattr(mlp_epoch, "implementations", [Implementation("double", "reference", presses)])
    optimizer = SGD(lr=0.1)
    _, history = trained("compiled", True, optimizer=optimizer)
    assert history.interrupted
    assert len(history.loss) == optimizer.steps == min(3 * portion, 11)


def test_an_error_in_the_middle_lets_the_copies_end_before_their_memory_is_given_back(engine, monkeypatch):
    backend = backend_of(engine)

    class Broken(SGD):
        def update(self, params, grads):
            raise ZeroDivisionError

    def broken(*arrays, **options):
        if options["options"]:
            raise ZeroDivisionError
        return mlp_epoch.reference(cupy, *arrays, **options)

    monkeypatch.setattr(mlp_epoch, "implementations", [Implementation("double", "reference", broken)])
    optimizer = Broken() if engine == "layers" else SGD()
    with pytest.raises(ZeroDivisionError):
        trained(engine, True, optimizer=optimizer, backend=backend)


def test_accuracy_brings_host_data_over_in_chunks(monkeypatch):
    net = MultiLayerNet(6, [8], 3, seed=1)
    expected = net.accuracy(X, T)
    monkeypatch.setattr(_scores, "CHUNK", 20)
    assert net.accuracy(X, T) == expected
    net.to(DoubleBackend())
    machine.largest_upload = 0
    assert net.accuracy(X, T) == pytest.approx(expected)
    assert net.accuracy(X.tolist(), np.eye(3)[T].tolist()) == pytest.approx(expected)
    assert machine.largest_upload == 20 * 6 * 4


def test_on_a_host_a_copy_is_made_at_once_and_nothing_waits():
    backend = xpnet.current_backend()
    assert backend.free_memory() is None
    source, target = backend.staging((2, 3), np.float32), np.zeros((2, 3), np.float32)
    source[...] = 5
    mark = backend.upload(source, target, backend.mark())
    np.testing.assert_array_equal(target, source)
    backend.let_device_wait(mark)
    backend.let_host_wait(mark)
