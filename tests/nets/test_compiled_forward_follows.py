"""The compiled `predict` follows every change of its net, and gives way where it does not apply."""

import numpy as np
import pytest
from compiled_forward import RNG, T, X, agrees, is_compiled, made

import xpnet
from xpnet.layers import Affine, Relu, Sigmoid, Tanh
from xpnet.nets import MultiLayerNet, Sequential
from xpnet.parameter import Parameter


@pytest.fixture(autouse=True)
def _numba():
    with xpnet.using("numba"):
        yield


def assign_by_name(net):
    net.params["W1"] = RNG.normal(size=(6, 4))


def assign_to_the_layer(net):
    net.layers["Affine2"].b = [1.0, 2.0, 3.0]


def change_in_place(net):
    net.params["W2"] -= 0.5


def change_an_element(net):
    net.layers["Affine1"].W[2, 3] = 7.0


def put_in_another_cell(net):
    net.layers["Affine1"].parameters["W"] = Parameter(RNG.normal(size=(6, 4)).astype(net.dtype))


def replace_the_data(net):
    net.params.cells["b1"].data = np.ones(4, net.dtype)


def replace_a_layer(net):
    net.layers["Affine2"] = Affine(np.eye(4, dtype=net.dtype), np.zeros(4, net.dtype))


def replace_the_activation(net):
    net.layers["Relu1"] = Tanh()


def replace_all_layers(net):
    other = MultiLayerNet(6, [5], 2, activation="sigmoid", weight_init_std=1.0, dtype=net.dtype)
    net.layers = other.layers


def add_layers(net):
    net.layers |= {"more": Sigmoid(), "last": Affine(np.ones((3, 2), net.dtype), np.zeros(2, net.dtype))}


def take_layers_away(net):
    del net.layers["Relu1"], net.layers["Affine2"]


def train(net):
    net.fit(X, T, epochs=2, batch_size=4, optimizer="adam", verbose=False)


def change_the_dtype(net):
    net.to(dtype="float64")


CHANGES = [
    assign_by_name, assign_to_the_layer, change_in_place, change_an_element, put_in_another_cell,
    replace_the_data, replace_a_layer, replace_the_activation, replace_all_layers, add_layers,
    take_layers_away, train, change_the_dtype,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_it_follows_the_net(change):
    net = made()
    before = net.predict(X)
    change(net)
    after = net.predict(X)
    assert agrees(net)
    assert after.shape != before.shape or abs(after - before).max() > 1e-9


def test_matrices_in_another_order_are_followed_too():
    net = Sequential([Affine(np.asfortranarray(RNG.normal(size=(6, 4))), np.zeros(4))])
    assert not net.params["W1"].flags.c_contiguous
    assert agrees(net)
    change_in_place = net.params["W1"]
    change_in_place += 1
    assert agrees(net)


def other_layer(net):
    net.layers["Relu1"] = type("MyRelu", (Relu,), {})()


def other_forward(net):
    net.layers["Relu1"].forward = lambda x: 2 * x


def other_method(net):
    forward = net.forward
    net.forward = lambda x, training: forward(x, training)


def other_backend(net):
    net.to("numpy")


def other_dtype_inside(net):
    net.params.cells["b1"].data = np.zeros(4)


@pytest.mark.parametrize(
    "change",
    [other_layer, other_forward, other_method, other_backend, other_dtype_inside],
    ids=lambda c: c.__name__,
)
def test_what_goes_layer_by_layer_from_then_on(change):
    net = made()
    assert is_compiled(net)
    change(net)
    assert not is_compiled(net)


@pytest.mark.parametrize("name", ["Affine1", "Relu1", "Affine2"])
def test_a_method_of_a_layers_own_is_called(name):
    net, by_class = made(), made()
    net.gradient(X, T)  # the layers are fused
    layer = net.layers[name]

    class Doubled(type(layer)):
        def forward(self, x):
            return 2 * super().forward(x)

        def backward(self, dout):
            return super().backward(2 * dout)

    by_class.layers[name].__class__ = Doubled
    layer.forward = lambda x: 2 * type(layer).forward(layer, x)
    layer.backward = lambda dout: type(layer).backward(layer, 2 * dout)
    np.testing.assert_array_equal(net.predict(X), by_class.predict(X))
    expected = by_class.gradient(X, T)
    for parameter, gradient in net.gradient(X, T).items():
        np.testing.assert_array_equal(gradient, expected[parameter])


def test_the_switch_holds_at_once():
    net = made()
    assert is_compiled(net)
    with xpnet.using("numpy"):
        assert not is_compiled(net)
    assert is_compiled(net)
    with xpnet.using("numpy"):
        assert is_compiled(net.to("numba"))
