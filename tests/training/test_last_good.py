"""Runs that end in NaN: the sample is named, and the net is as the last good epoch left it."""

import numpy as np
import pytest

import xpnet
from xpnet.layers import Affine, IdentityWithLoss, Relu, TimeRNN
from xpnet.nets import Sequential, TwoLayerNet
from xpnet.optimizers import SGD, by_name, names

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 6))
T = X[:, :3].argmax(axis=1)


def made():
    return TwoLayerNet(6, 8, 3, weight_init_std=0.5, seed=1)


def regression():
    W, V = 0.3 * RNG.normal(size=(6, 5)), 0.3 * RNG.normal(size=(5, 1))
    return Sequential([Affine(W, np.zeros(5)), Relu(), Affine(V, np.zeros(1))], IdentityWithLoss())


def values(net):
    return {name: xpnet.to_numpy(array).copy() for name, array in net.params.items()}


def assert_same(net, expected):
    for name, array in values(net).items():
        np.testing.assert_array_equal(array, expected[name])


def spoiled(array, sample, value):
    array = np.array(array, dtype=float)
    array[sample, -1] = value
    return array


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("sample", [0, 31, 49])
@pytest.mark.parametrize("engine", ["layers", "auto"])
def test_a_sample_that_is_not_finite_is_named_and_changes_nothing(engine, sample, value, backend):
    net = made()
    net.fit(X, T, epochs=3, batch_size=20, seed=0, verbose=False)
    before = values(net)
    with pytest.raises(
        xpnet.NotFiniteError, match=rf"x\[{sample}, 5\] is {value}: sample {sample} of"
    ) as error:
        net.fit(spoiled(X, sample, value), T, epochs=2, batch_size=20, engine=engine, verbose=False)
    assert "The net is as it was before fit" in str(error.value)
    assert isinstance(error.value, xpnet.DivergedError)
    assert_same(net, before)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_target_that_is_not_finite_is_named(value, backend):
    net, t = regression(), X[:, :1]
    before = values(net)
    with pytest.raises(xpnet.NotFiniteError, match=rf"t\[17, 0\] is {value}: sample 17 of"):
        net.fit(X, spoiled(t, 17, value), batch_size=20, optimizer=SGD(0.01), verbose=False)
    assert_same(net, before)


def test_the_advice_leaves_the_samples_out():
    x, t = spoiled(X, 3, np.nan), T
    with pytest.raises(xpnet.NotFiniteError, match=r"keep = np.isfinite\(x\)"):
        made().fit(x, t, verbose=False)
    keep = np.isfinite(x).reshape(len(x), -1).all(axis=1)
    made().fit(x[keep], t[keep], verbose=False)


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("engine", ["layers", "auto"])
def test_a_spoiled_epoch_leaves_net_and_optimizer_as_the_last_good_one(engine, name, backend):
    """Labels and order are the same; only in the third epoch the samples hold NaN."""
    data = X.astype("float32") if engine == "layers" else X.astype("float64")
    options = {"batch_size": 20, "engine": engine, "verbose": False}

    def spoil(epoch):
        if epoch.number == 2:
            data[7, 0] = np.nan

    net, optimizer = made(), by_name(name)
    if engine == "auto":
        net.to(dtype="float64")  # so that the epoch reads the samples where they lie
    with pytest.raises(xpnet.NotFiniteError, match=r"x\[7, 0\] is nan.* The net is as epoch 2 left it"):
        net.fit(data, T, epochs=5, optimizer=optimizer, seed=0, on_epoch=spoil, **options)
    twin, other = made(), by_name(name)
    if engine == "auto":
        twin.to(dtype="float64")
    twin.fit(X, T, epochs=2, optimizer=other, seed=0, **options)
    assert_same(net, values(twin))
    assert optimizer.steps == other.steps == 6
    net.fit(X, T, optimizer=optimizer, seed=1, **options)
    twin.fit(X, T, optimizer=other, seed=1, **options)
    assert_same(net, values(twin))


@pytest.mark.parametrize("engine", ["layers", "auto"])
def test_a_learning_rate_that_is_too_large_is_blamed_only_where_the_data_are_finite(engine, backend):
    if backend.name == "simulated-cuda":
        pytest.skip("the simulator computes with NumPy, which warns of overflow")
    net = made()
    before = values(net)
    with pytest.raises(xpnet.DivergedError, match="lower the learning rate") as error:
        net.fit(X * 1e18, T, epochs=20, optimizer=SGD(1e30), engine=engine, verbose=False)
    assert not isinstance(error.value, xpnet.NotFiniteError)
    assert str(error.value).endswith("The net is as it was before fit") or "left it" in str(error.value)
    assert all(np.isfinite(array).all() for array in values(net).values())
    if "before" in str(error.value):
        assert_same(net, before)


def test_the_last_step_of_a_regression_is_looked_at(backend):
    class Spoils(SGD):
        def update(self, params, grads):
            super().update(params, grads)
            params["W1"] = np.full((6, 5), np.nan)

    net = regression()
    before = values(net)
    with pytest.raises(xpnet.DivergedError, match="W1 is no longer finite after epoch 1; lower the learning"):
        net.fit(X, X[:, :1], batch_size=50, optimizer=Spoils(0.01), verbose=False)
    assert_same(net, before)


def test_a_recurrent_state_is_put_back_too():
    rng = np.random.default_rng(0)
    rnn = TimeRNN(0.5 * rng.normal(size=(3, 4)), 0.5 * rng.normal(size=(4, 4)), np.zeros(4), stateful=True)
    net = Sequential([rnn], IdentityWithLoss())
    x, t = rng.normal(size=(8, 5, 3)), rng.normal(size=(8, 5, 4))
    net.fit(x, t, batch_size=8, verbose=False)
    state = net.layers["TimeRNN1"].h.copy()
    x[2, 1, 0] = np.nan
    with pytest.raises(xpnet.NotFiniteError, match=r"x\[2, 1, 0\] is nan"):
        net.fit(x, t, batch_size=8, verbose=False)
    np.testing.assert_array_equal(net.layers["TimeRNN1"].h, state)


def test_the_net_stays_usable_after_a_validation_that_is_not_finite(backend):
    net = made()
    before = values(net)
    with pytest.raises(ValueError, match="validation: accuracy: the net's output for sample 4 is NaN"):
        net.fit(X, T, validation=(spoiled(X, 4, np.nan), T), verbose=False)
    assert_same(net, before)
