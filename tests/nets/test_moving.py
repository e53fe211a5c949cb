"""A net moved between devices keeps learning: the oldest bug in this field."""

import copy

import numpy as np
import pytest
from stand_ins import SimulatedBackend, StrictBackend, family

import xpnet
from xpnet.layers import TimeRNN
from xpnet.nets import TwoLayerNet
from xpnet.optimizers import Adam

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6))
T = X[:, :3].argmax(axis=1)


def trained(net, optimizer, steps):
    for _ in range(steps):
        optimizer.update(net.params, net.gradient(X, T))
    return float(net.loss(X, T))


def test_train_move_train_keeps_learning_and_equals_never_moving(backend):
    with xpnet.using("numpy"):
        stay, move = (TwoLayerNet(6, 8, 3, seed=1, dtype="float64") for _ in range(2))
        first, second = Adam(lr=0.02), Adam(lr=0.02)
        losses = [trained(move, first, 5)]
        trained(stay, second, 5)
        for stop in (backend, StrictBackend(), "numpy"):
            cells = dict(move.params.cells)
            assert move.to(stop) is move
            assert all(move.params.cells[name] is cell for name, cell in cells.items())
            losses.append(trained(move, first, 5))
            trained(stay, second, 5)
        assert losses == sorted(losses, reverse=True)
        for name, array in stay.params.items():
            np.testing.assert_allclose(move.params[name], array, rtol=1e-9, atol=1e-12)


def test_data_gradient_and_state_move(backend):
    with xpnet.using("numpy"):
        net, optimizer = TwoLayerNet(6, 4, 3, seed=1), Adam()
        trained(net, optimizer, 1)
        net.to(backend)
    for cell in net.params.cells.values():
        arrays = [cell.data, cell.grad, *cell.state[optimizer].values()]
        assert {family(array) for array in arrays} == {backend.family}
    assert net.backend is backend


def test_a_net_stays_where_to_put_it_and_follows_the_engine_otherwise():
    xpnet.use("numpy")
    net = TwoLayerNet(6, 4, 3)
    assert net.backend.name == "numpy"
    xpnet.use("numba")
    assert net.backend.name == "numba"
    net.to("numpy")
    assert net.backend.name == "numpy"
    xpnet.use(StrictBackend())
    assert net.backend.name == "numpy"
    assert family(TwoLayerNet(6, 4, 3).params["W1"]) == "array_api_strict"
    assert family(net.predict(X)) == "numpy"


def test_an_unpinned_net_stays_on_its_device_when_the_switch_goes_elsewhere():
    xpnet.use("numpy")
    net = TwoLayerNet(6, 4, 3)
    xpnet.use(StrictBackend())
    assert family(net.predict(X)) == "numpy"


def test_inputs_of_any_family_are_brought_to_the_nets_device(backend):
    net = TwoLayerNet(6, 4, 3, seed=1)
    expected = xpnet.to_numpy(net.predict(X))
    for other in (xpnet._backends.NumpyBackend(), StrictBackend()):
        np.testing.assert_array_equal(xpnet.to_numpy(net.predict(other.asarray(X))), expected)
        assert float(net.loss(other.asarray(X), other.asarray(T))) == float(net.loss(X, T))


def test_moving_to_what_cannot_be_used_leaves_the_net():
    net = TwoLayerNet(6, 4, 3)
    with pytest.raises(ValueError, match="unknown backend 'tpu'; choose one of numpy, numba"):
        net.to("tpu")
    with pytest.raises(ValueError, match="float32 or float64"):
        net.to("numpy", dtype="int32")
    assert net.backend.name == xpnet.current_backend().name
    net.predict(X)


def test_to_changes_the_dtype(backend):
    net = TwoLayerNet(6, 4, 3).to(dtype="float64")
    assert xpnet.to_numpy(net.params["W1"]).dtype == np.float64
    assert xpnet.to_numpy(net.predict(X)).dtype == np.float64
    assert xpnet.to_numpy(net.params["W1"]).shape == (6, 4)


def test_the_carried_state_of_a_recurrent_layer_moves_along():
    layer = TimeRNN(np.ones((3, 2)), np.ones((2, 2)), np.zeros(2), stateful=True)
    layer.forward(np.ones((1, 4, 3)))
    strict = StrictBackend()
    layer.move(strict)
    assert family(layer.h) == "array_api_strict"
    assert family(layer.forward(strict.asarray(np.ones((1, 4, 3))))) == "array_api_strict"


def test_a_backend_is_one_of_its_kind():
    backend = SimulatedBackend()
    assert copy.deepcopy(backend) is backend
