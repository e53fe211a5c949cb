"""The ways to train on a GPU behind one `fit`, in the simulator: same weights, the choice, the refusals."""

import re

import numpy as np
import pytest
from engines import library_for
from stand_ins import EVERY_BACKEND, SimulatedBackend

import xpnet
from xpnet.nets import MultiLayerNet, TwoLayerNet
from xpnet.optimizers import by_name, names
from xpnet.training._trial import Trial
from xpnet_kernels import Implementation, mlp_epoch

RNG = np.random.default_rng(0)
X = RNG.normal(size=(23, 6))
T = X[:, :3].argmax(axis=1)


@pytest.fixture
def simulated(monkeypatch):
    """A backend of NumPy arrays whose kernels run in the simulator."""
    library_for("numba-cuda", monkeypatch)
    backend = EVERY_BACKEND[SimulatedBackend.name]
    if backend.problem() is not None:
        pytest.skip(backend.problem().reason)
    return backend


def trained(backend, engine, optimizer="sgd", epochs=1, hidden=(5,), **net):
    made = MultiLayerNet(6, list(hidden), 3, seed=1, dtype="float64", **net).to(backend)
    options = {"epochs": epochs, "batch_size": 5, "seed": 2, "verbose": False, "engine": engine}
    return made, made.fit(X, T, optimizer=by_name(optimizer), **options)


def assert_same(first, second):
    for name, array in first.params.items():
        np.testing.assert_allclose(second.params[name], array, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("optimizer", names())
def test_a_captured_epoch_is_that_of_the_layers(optimizer, simulated):
    weight_decay = {"weight_decay_lambda": 0.01}
    layers, by_layers = trained("numpy", "layers", optimizer, **weight_decay)
    graph, by_graph = trained(simulated, "graph", optimizer, **weight_decay)
    assert len(by_graph.loss) == 5
    np.testing.assert_allclose(by_graph.loss, by_layers.loss, rtol=1e-10)
    assert_same(layers, graph)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_every_activation_and_a_wide_net(activation, simulated):
    net = {"hidden": (40, 4), "activation": activation}
    assert_same(trained("numpy", "layers", **net)[0], trained(simulated, "graph", **net)[0])


def test_layers_and_graphs_take_turns(simulated):
    nets = []
    for backend, engines in (("numpy", ("layers", "layers")), (simulated, ("graph", "layers"))):
        net, adam = TwoLayerNet(6, 4, 3, seed=0, dtype="float64").to(backend), by_name("adam")
        for epoch, engine in enumerate(engines):
            net.fit(X, T, batch_size=5, optimizer=adam, seed=epoch, verbose=False, engine=engine)
        nets.append(net)
    assert_same(*nets)


def test_a_users_new_weights_are_seen_by_the_next_epoch(simulated):
    nets = []
    for backend, engine in (("numpy", "layers"), (simulated, "graph")):
        net = TwoLayerNet(6, 4, 3, seed=0, dtype="float64").to(backend)

        def halve(epoch, net=net):
            net.params["W1"] = net.params["W1"] / 2

        net.fit(X, T, epochs=2, batch_size=5, seed=0, verbose=False, engine=engine, on_epoch=halve)
        nets.append(net)
    assert_same(*nets)


def test_tf32_is_said(simulated, capsys):
    xpnet.set_tf32(True)
    try:
        TwoLayerNet(6, 4, 3).to(simulated).fit(X, T, engine="graph")
    finally:
        xpnet.set_tf32(None)
    assert "by CUDA graph, wide float32 products in TF32" in capsys.readouterr().err


@pytest.mark.parametrize("engine", ["graph", "persistent"])
def test_a_cpu_has_no_such_epochs(engine):
    why = "the backend numba has no such epochs; the backend 'gpu' has; use the engine 'auto' or 'layers'"
    with pytest.raises(ValueError, match=re.escape(f"engine '{engine}' does not apply: {why}")):
        TwoLayerNet(6, 4, 3).to("numba").fit(X, T, engine=engine)


def only(monkeypatch, **functions):
    """Let the simulated engine have these implementations of an epoch, and no others."""
    made = [
        Implementation("numba-cuda", name, function, obstacle)
        for name, (function, obstacle) in functions.items()
    ]
    monkeypatch.setattr(mlp_epoch, "implementations", made)


def served(calls, name, seconds, now):
    """Return an implementation that notes its calls and lets the clock say that a step takes so long."""

    def function(x, t, order, *arrays, options, out=None, **more):
        calls.append((name, len(options), out is not None))
        now[0] += seconds * len(options)
        return np.zeros(len(options)), *arrays

    return function


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("xpnet.training._ways.time.perf_counter", lambda: now[0])
    return now


def test_the_fastest_is_taken_and_said(simulated, monkeypatch, capsys, clock):
    calls = []
    ways = {
        name: (served(calls, name, s, clock), None) for name, s in (("graph", 2e-3), ("persistent", 1e-3))
    }
    only(monkeypatch, **ways)
    TwoLayerNet(6, 4, 3).to(simulated).fit(X, T, batch_size=5)
    assert calls[-1] == ("persistent", 5, True)
    assert not any(into for _, _, into in calls[:-1]), "a trial changed the net"
    said = capsys.readouterr().err
    assert "compiled epochs, by CUDA graph or compiled epochs, by one kernel each" in said
    assert "by one kernel each: the fastest here (an epoch by graph 10 ms, persistent 5 ms)" in said


def test_a_way_that_does_not_apply_is_left_out_for_a_reason_that_is_named(
    simulated, monkeypatch, capsys, clock
):
    calls = []
    graph, persistent = (served(calls, name, 1e-3, clock) for name in ("graph", "persistent"))
    only(monkeypatch, graph=(graph, None), persistent=(persistent, lambda *a, **o: "C is 3, odd"))
    net = TwoLayerNet(6, 4, 3).to(simulated)
    net.fit(X, T, batch_size=5)
    assert {name for name, _, _ in calls} == {"graph"}
    assert "compiled epochs, by CUDA graph (not persistent: C is 3, odd)" in capsys.readouterr().err
    with pytest.raises(
        ValueError, match="engine 'persistent' does not apply: C is 3, odd; use the engine 'auto'"
    ):
        net.fit(X, T, engine="persistent")


def test_the_choice_of_a_backend_leaves_the_net_as_it_was(simulated, monkeypatch):
    net = TwoLayerNet(6, 4, 3, seed=0).to(simulated)
    before = {name: array.copy() for name, array in net.params.items()}
    monkeypatch.setattr("xpnet._backends.find", lambda name: simulated)
    assert Trial(net, X, T, by_name("sgd"), "graph", False).seconds(simulated.name, 5, 0.01) > 0
    assert all((net.params[name] == before[name]).all() for name in before)
