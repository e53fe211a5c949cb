"""The compiled epoch against the layers: the same steps, the same bits for any number of threads."""

import re
import sys
import threading

import numpy as np
import pytest

import xpnet
from xpnet.layers import Affine, Dropout, Relu, Sigmoid, SigmoidWithLoss, Tanh
from xpnet.nets import MultiLayerNet, Sequential, TwoLayerNet
from xpnet.optimizers import SGD, Adam, by_name, names
from xpnet.training._compiled import obstacle
from xpnet_kernels import _threads
from xpnet_kernels._simd import vector_bytes
from xpnet_kernels.mlp_epoch import cpu
from xpnet_kernels.mlp_epoch.layout import read_in_place

RNG = np.random.default_rng(0)
X = RNG.normal(size=(310, 20))
T = X[:, :5].argmax(axis=1)


@pytest.fixture(autouse=True)
def _on_numba():
    xpnet.use("numba")
    yield
    _threads.choose(None)


def trained(
    engine, dtype, optimizer="sgd", activation="relu", hidden=(30, 17), steps_of=31, epochs=10, x=X, **net
):
    made = MultiLayerNet(20, hidden, 5, activation=activation, seed=1, dtype=dtype, **net)
    options = {"epochs": epochs, "batch_size": steps_of, "seed": 2, "verbose": False, "engine": engine}
    options["on_interrupt"] = "stop"
    history = made.fit(x, T, optimizer=by_name(optimizer), **options)
    return made, history


def largest_difference(first, second):
    scale = max(float(abs(array).max()) for array in first.params.values())
    return max(float(abs(first.params[n] - second.params[n]).max()) for n in first.params) / scale


@pytest.mark.parametrize("optimizer", names())
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_a_hundred_steps_are_those_of_the_layers(optimizer, activation):
    for dtype, tolerance in (("float32", 1e-5), ("float64", 1e-12)):
        layers, by_layers = trained("layers", dtype, optimizer, activation, weight_decay_lambda=1e-3)
        compiled, by_epochs = trained("compiled", dtype, optimizer, activation, weight_decay_lambda=1e-3)
        assert len(by_epochs.loss) == 100
        np.testing.assert_allclose(by_epochs.loss, by_layers.loss, rtol=tolerance)
        if (dtype, optimizer) != ("float32", "adam"):  # where v is near 0, Adam divides rounding by rounding
            assert largest_difference(layers, compiled) < tolerance


@pytest.mark.parametrize("hidden", [(), (1,), (3,), (64,), (65,), (200, 7)])
@pytest.mark.parametrize("batch_size", [1, 5, 64, 309, 1000])
def test_any_width_and_batch(hidden, batch_size):
    layers, _ = trained("layers", "float64", hidden=hidden, steps_of=batch_size, epochs=1)
    compiled, _ = trained("compiled", "float64", hidden=hidden, steps_of=batch_size, epochs=1)
    assert largest_difference(layers, compiled) < 1e-12


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("most", [1, 7, 30, 64])
def test_a_batch_in_pieces(optimizer, threads, most, monkeypatch):
    monkeypatch.setattr(cpu, "CACHE", 0)
    monkeypatch.setattr(cpu, "MANY", most)
    _threads.choose(threads)
    layers, by_layers = trained("layers", "float64", optimizer, steps_of=100, epochs=3)
    compiled, by_epochs = trained("compiled", "float64", optimizer, steps_of=100, epochs=3)
    np.testing.assert_allclose(by_epochs.loss, by_layers.loss, rtol=1e-12)
    assert largest_difference(layers, compiled) < 1e-12


@pytest.mark.parametrize("inputs", [1, 5, 6, 7])
def test_fewer_inputs_than_a_tile_has_rows(inputs):
    nets = [MultiLayerNet(inputs, [9], 5, seed=0, dtype="float64") for _ in range(2)]
    for net, engine in zip(nets, ("layers", "compiled"), strict=True):
        net.fit(X[:, :inputs], T, batch_size=7, seed=0, verbose=False, engine=engine)
    assert largest_difference(*nets) < 1e-12


@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
@pytest.mark.parametrize("inputs", [80, 81, 200])
@pytest.mark.parametrize("threads", [1, 2])
def test_more_inputs_than_a_tile_is_wide(optimizer, inputs, threads):
    _threads.choose(threads)
    x = RNG.normal(size=(310, inputs))
    nets = [
        MultiLayerNet(inputs, [30, 85], 5, seed=0, dtype="float64", weight_decay_lambda=decay)
        for decay in (0, 0, 1e-2, 1e-2)
    ]
    for net, engine in zip(nets, ("layers", "compiled") * 2, strict=True):
        net.fit(x, T, batch_size=150, seed=0, verbose=False, engine=engine, optimizer=by_name(optimizer))
    assert largest_difference(*nets[:2]) < 1e-12
    assert largest_difference(*nets[2:]) < 1e-12


def test_samples_at_any_address_give_the_same_bits():
    memory, nets = np.zeros(310 * 64 + 32, np.float32), []
    start = -memory.ctypes.data % 64 // 4
    for offset in (start, start + 1, start + 4):
        x = memory[offset : offset + 310 * 64].reshape(310, 64)
        x[:, :20] = X
        x[:, 20:] = 1
        assert read_in_place(x, np.dtype("float32")) == (x.ctypes.data % vector_bytes() == 0)
        nets.append(MultiLayerNet(64, [9], 5, seed=0))
        nets[-1].fit(x, T, batch_size=50, seed=0, verbose=False, engine="compiled")
    assert largest_difference(nets[0], nets[1]) == largest_difference(nets[0], nets[2]) == 0


@pytest.mark.parametrize("kind", ["images", "uint8", "float64 data", "one-hot"])
def test_every_form_of_data(kind):
    pixels = RNG.integers(0, 256, (310, 20)).astype(np.uint8)
    x, t = {
        "images": (X.reshape(310, 1, 4, 5), T),
        "uint8": (pixels, T),
        "float64 data": (X, T.astype(np.uint8)),
        "one-hot": (X, np.eye(5)[T]),
    }[kind]
    nets = [MultiLayerNet(20, [9], 5, seed=0) for _ in range(2)]
    for net, engine in zip(nets, ("layers", "compiled"), strict=True):
        net.fit(x, t, batch_size=50, seed=0, verbose=False, engine=engine)
    assert largest_difference(*nets) < 1e-5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_number_of_threads_gives_the_same_bits(dtype):
    nets = []
    for threads in (1, 2, 3, 1):
        _threads.choose(threads)
        net, history = trained("compiled", dtype, "momentum", hidden=(80, 33), steps_of=60)
        nets.append((b"".join(array.tobytes() for array in net.params.values()), history.loss))
    assert all(net == nets[0] for net in nets[1:])


def test_the_number_of_threads(monkeypatch):
    monkeypatch.setenv("XPNET_NUM_THREADS", "3")
    assert _threads.allowed(enough_work=False) == 3
    xpnet.set_num_threads(2)
    assert _threads.allowed(enough_work=True) == 2
    xpnet.set_num_threads(None)
    monkeypatch.delenv("XPNET_NUM_THREADS")
    assert _threads.allowed(enough_work=False) == 1
    assert _threads.allowed(enough_work=True) == _threads.available()
    with pytest.raises(ValueError, match="the number of threads is 0; it must be a whole number above 0"):
        xpnet.set_num_threads(0)
    monkeypatch.setenv("XPNET_NUM_THREADS", "all")
    with pytest.raises(ValueError, match="XPNET_NUM_THREADS is 'all'; it must be a whole number above 0"):
        TwoLayerNet(20, 9, 5).fit(X, T, verbose=False)


def test_an_optimizer_goes_on_where_the_other_engine_left_it():
    nets, histories = [], []
    for engines in (("layers", "layers"), ("compiled", "layers"), ("layers", "compiled")):
        net, optimizer = MultiLayerNet(20, [9], 5, seed=0, dtype="float64"), Adam()
        for epoch, engine in enumerate(engines):
            histories.append(
                net.fit(X, T, optimizer=optimizer, seed=epoch, verbose=False, engine=engine).loss
            )
        nets.append(net)
        assert optimizer.steps == 8
    assert largest_difference(nets[0], nets[1]) < 1e-12
    assert largest_difference(nets[0], nets[2]) < 1e-12


def test_stopping_keeps_the_last_complete_step(monkeypatch):
    from xpnet.training import _interrupt

    class Soon(_interrupt.Interrupt):
        def __enter__(self):
            self.timer = threading.Timer(0.2, lambda: setattr(self, "requested", True))
            self.timer.start()
            return self

        def __exit__(self, *exception):
            self.timer.cancel()

    wide = {"hidden": (500, 500), "steps_of": 10}
    trained("compiled", "float32", epochs=1, **wide)
    monkeypatch.setattr(sys.modules["xpnet.training._epochs"], "Interrupt", Soon)
    _, history = trained("compiled", "float32", epochs=100_000, **wide)
    assert history.interrupted
    steps = len(history.loss)
    again = MultiLayerNet(20, [500, 500], 5, seed=1)
    monkeypatch.undo()
    whole = again.fit(X, T, epochs=-(-steps // 31), batch_size=10, seed=2, verbose=False, optimizer=SGD())
    assert history.loss == whole.loss[:steps]
    assert len(history.epochs) == steps // 31


NOT_COMPILED = {
    "the backend numpy has no compiled epoch": lambda: TwoLayerNet(20, 9, 5).to("numpy"),
    "layer 3 is Dropout, not Affine": lambda: Sequential([*affine_and(Relu()), Dropout(), *affine_and()]),
    "layer 2 is LeakyRelu, not Relu or Sigmoid or Tanh": lambda: Sequential([*affine_and(LeakyRelu())]),
    "the last layer is no Affine": lambda: Sequential([*affine_and(Tanh())]),
    "not every parameter is float32: net.to(dtype='float32') makes them so": lambda: _mixed(),
    "the loss is SigmoidWithLoss": lambda: Sequential([*affine_and()], loss=SigmoidWithLoss()),
    "Mine has a step of its own": lambda: Mine([*affine_and(Sigmoid()), *affine_and()]),
}


def _mixed():
    net = Sequential([*affine_and()])
    net.layers["Affine1"] = Affine(np.eye(20), np.zeros(20))
    return net


def affine_and(*layers):
    return Affine(np.eye(20), np.zeros(20)), *layers


class LeakyRelu(Relu):
    pass


class Mine(Sequential):
    def backward(self):
        return super().backward()


@pytest.mark.parametrize("reason", NOT_COMPILED)
def test_what_is_not_compiled_says_why_and_goes_layer_by_layer(reason, capsys):
    net = NOT_COMPILED[reason]()
    assert obstacle(net, SGD()) == reason
    with pytest.raises(ValueError, match=re.escape(f"engine 'compiled' does not apply: {reason}; use")):
        net.fit(X, T, engine="compiled", verbose=False)
    if "Sigmoid" not in reason:
        net.fit(X, T)
        assert f"layer by layer ({reason})" in capsys.readouterr().err


def test_an_optimizer_of_ones_own_is_not_compiled():
    class Mine(SGD):
        pass

    assert obstacle(TwoLayerNet(20, 9, 5), Mine()) == "the optimizer Mine is not built in"


def test_the_line_says_that_epochs_are_compiled(capsys):
    TwoLayerNet(20, 9, 5).fit(X, T)
    assert capsys.readouterr().err.splitlines()[0].endswith("float32, compiled epochs")
    choices = "auto, compiled, graph, persistent, layers"
    with pytest.raises(ValueError, match=f"unknown engine 'fast'; choose one of {choices}"):
        TwoLayerNet(20, 9, 5).fit(X, T, engine="fast")
