"""An optimizer's state, its number of updates included, belongs to the parameters."""

import copy

import numpy as np
import pytest

import xpnet
from xpnet.nets import TwoLayerNet
from xpnet.optimizers import Adam, by_name, names

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6))
T = X[:, :3].argmax(axis=1)


def made(seed=0):
    return TwoLayerNet(6, 5, 3, weight_init_std=0.5, seed=seed)


def trained(net, optimizer, epochs=1, engine="auto"):
    net.fit(X, T, epochs=epochs, batch_size=20, optimizer=optimizer, seed=0, engine=engine, verbose=False)
    return net


def assert_same(net, other):
    for name, array in other.params.items():
        np.testing.assert_array_equal(xpnet.to_numpy(net.params[name]), xpnet.to_numpy(array))


@pytest.mark.parametrize("engine", ["layers", "auto"])
@pytest.mark.parametrize("name", names())
def test_an_optimizer_used_before_starts_anew_on_another_net(name, engine, backend):
    used = by_name(name)
    trained(made(seed=1), used, epochs=3, engine=engine)
    assert_same(trained(made(), used, engine=engine), trained(made(), by_name(name), engine=engine))


@pytest.mark.parametrize("first", ["layers", "auto"])
def test_it_goes_on_where_it_was_on_the_same_net(first, backend):
    adam, alone = Adam(), Adam()
    net, other = made(), made()
    for number in range(4):
        trained(net, adam, engine=("layers", "auto")[number % 2] if first == "layers" else "auto")
        trained(made(seed=9), adam)  # another net between
        trained(other, alone, engine=("layers", "auto")[number % 2] if first == "layers" else "auto")
    assert_same(net, other)
    assert adam.steps == 2 * alone.steps == 16


def test_loops_by_hand_over_two_nets(backend):
    shared, first, second = Adam(), made(), made(seed=1)
    alone = made(), made(seed=1)
    each = Adam(), Adam()
    for _ in range(3):
        for net, other, own in zip((first, second), alone, each, strict=True):
            shared.update(net.params, net.gradient(X, T))
            own.update(other.params, other.gradient(X, T))
    assert_same(first, alone[0])
    assert_same(second, alone[1])


def test_a_copy_of_a_net_goes_on_with_its_steps(backend):
    adam = Adam()
    net = trained(made(), adam, epochs=2)
    twin = copy.deepcopy(net)
    assert_same(trained(twin, adam), trained(net, adam))


def test_moving_and_a_move_that_fails_keep_the_steps(backend):
    adam = Adam()
    net, stays = trained(made(), adam, epochs=2), trained(made(), Adam(), epochs=2)
    assert adam.steps_of(net.params.cells.values()) == {4}
    net.to(dtype="float64")
    assert adam.steps_of(net.params.cells.values()) == {4}
    assert adam.steps_of(stays.params.cells.values()) == {0}


def test_parameters_that_joined_later_have_steps_of_their_own():
    adam, net = Adam(), made()
    trained(net, adam, epochs=2)
    net.layers["Affine2"].parameters["W"] = xpnet.Parameter(net.params["W2"].copy())
    assert adam.steps_of(net.params.cells.values()) == {0, 4}
    before = net.params["W2"].copy()
    adam.update(net.params, {name: np.ones_like(array) for name, array in net.params.items()})
    np.testing.assert_allclose(before - net.params["W2"], adam.lr, rtol=1e-4)  # a first step is lr long
    with pytest.raises(xpnet.EngineError, match="have had different numbers of updates by this optimizer"):
        trained(net, adam, engine="compiled")
    trained(net, adam)


def test_a_parameter_of_another_shape_begins_anew():
    adam, net = Adam(), made()
    trained(net, adam, epochs=2)
    cell = net.params.cells["b1"]
    cell.data = np.zeros(7, "float32")
    assert adam.state_of(cell).steps == 0
