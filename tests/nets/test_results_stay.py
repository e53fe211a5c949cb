"""What a layer or a net has returned stays as it was: no later call writes into it."""

import numpy as np
import pytest

import xpnet
from xpnet.layers import Affine, Relu, Sigmoid, SoftmaxWithLoss, Tanh

draw = np.random.default_rng(0)
x = draw.standard_normal((2, 5, 4))
t = np.array([0, 2, 1, 0, 2])


def copies(arrays):
    return [xpnet.to_numpy(array).copy() for array in arrays]


def assert_unchanged(arrays, before):
    for array, values in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(xpnet.to_numpy(array), values)


@pytest.mark.parametrize("make", [lambda: Affine(np.eye(4), np.ones(4)), Relu, Sigmoid, Tanh])
def test_of_a_layer(make, backend):
    layer = make()
    layer.move(backend)
    first, second = (backend.asarray(one) for one in x)
    kept = [layer.forward(first), layer.backward(first)]
    kept += [cell.grad for cell in layer.parameters.values()]
    before = copies(kept)
    layer.forward(second)
    layer.backward(second)
    assert_unchanged(kept, before)


def test_of_a_loss(backend):
    loss = SoftmaxWithLoss()
    first, second = (backend.asarray(one) for one in x)
    labels = backend.asarray(t)
    loss.forward(first, labels)
    kept = [loss.backward()]
    before = copies(kept)
    loss.forward(second, labels)
    assert_unchanged(kept, before)


def test_of_a_net_that_is_trained_on(backend):
    net = xpnet.nets.MultiLayerNet(4, [6], 3)
    kept = [net.predict(x[0]), *net.gradient(x[0], t).values()]
    before = copies(kept)
    net.predict(x[1])
    net.gradient(x[1], t)
    net.fit(x[1], t, batch_size=5, epochs=2, engine="layers", verbose=False)
    assert_unchanged(kept, before)
