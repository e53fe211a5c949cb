import numpy as np
import pytest
from stand_ins import StrictBackend, check

import xpnet
from xpnet.nets import TwoLayerNet

X, T = np.random.default_rng(0).normal(size=(8, 6)), np.arange(8) % 3


def test_params_are_the_layers_own_arrays():
    net = TwoLayerNet(6, 4, 3)
    assert net.params["W1"] is net.layers["Affine1"].W
    assert net.params["b2"] is net.layers["Affine2"].b


def test_a_step_by_hand_is_seen_by_the_layer(backend):
    net = TwoLayerNet(6, 4, 3, seed=0, dtype="float64")
    before = xpnet.to_numpy(net.params["W1"]).copy()
    grads = net.gradient(X, T)
    net.params["W1"] -= 0.5 * grads["W1"]
    check(net.layers["Affine1"].W, before - 0.5 * xpnet.to_numpy(grads["W1"]), backend)


def test_whatever_is_assigned_is_seen_everywhere_in_the_nets_dtype(backend):
    net = TwoLayerNet(6, 4, 3, seed=0)
    for values in (np.ones((6, 4)), [[2.0] * 4] * 6, backend.asarray(np.full((6, 4), 3.0))):
        net.params["W1"] = values
        expected = xpnet.to_numpy(values)
        check(net.layers["Affine1"].W, expected, backend, "float32")
    net.layers["Affine1"].b = np.full(4, 5)
    check(net.params["b1"], np.full(4, 5), backend, "float32")


def test_an_array_of_another_family_is_converted():
    net = TwoLayerNet(6, 4, 3)
    net.params["b1"] = StrictBackend().asarray(np.arange(4.0))
    np.testing.assert_array_equal(net.layers["Affine1"].b, [0, 1, 2, 3])


def test_assigning_copies():
    net = TwoLayerNet(6, 4, 3)
    mine = np.ones((6, 4), dtype="float32")
    net.params["W1"] = mine
    mine[:] = 7
    assert net.params["W1"][0, 0] == 1


def test_wrong_names_and_shapes():
    net = TwoLayerNet(6, 4, 3)
    with pytest.raises(KeyError, match="no parameter 'W3'; it has W1, b1, W2, b2"):
        net.params["W3"]
    with pytest.raises(KeyError, match="no parameter 'W3'"):
        net.params["W3"] = np.ones(3)
    with pytest.raises(
        ValueError, match=r"params\['W1'\]: expected a parameter of shape \(6, 4\), got \(4, 6\)"
    ):
        net.params["W1"] = np.ones((4, 6))
    with pytest.raises(TypeError, match="cannot be deleted"):
        del net.params["W1"]
    assert "W1: (6, 4) float32" in repr(net.params)


def test_a_parameter_that_stands_twice_is_refused():
    shared = xpnet.Parameter(np.eye(3))
    layers = [xpnet.layers.Affine(shared, np.zeros(3)), xpnet.layers.Affine(shared, np.zeros(3))]
    with pytest.raises(ValueError, match="one Parameter stands twice in the net"):
        xpnet.nets.Sequential(layers)


def test_two_parameters_of_one_name_are_refused():
    class Digits(xpnet.layers.Layer):
        def __init__(self):
            super().__init__(W1=np.eye(3), W=np.eye(3))

    affines = [xpnet.layers.Affine(np.eye(3), np.zeros(3)) for _ in range(10)]
    with pytest.raises(ValueError, match="two parameters are called 'W11'"):
        xpnet.nets.Sequential([Digits(), *affines])
