"""The learning curve of the specification, on real MNIST."""

import numpy as np
import pytest

import xpnet
from xpnet.nets import TwoLayerNet
from xpnet.optimizers import SGD

pytestmark = pytest.mark.mnist

# Test accuracy of the book's net after epochs 1, 2, 5, 9 and 16; another seed lies within half a point.
CURVE = {1: 0.905, 2: 0.924, 5: 0.947, 9: 0.962, 16: 0.970}


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_fit_reproduces_the_curve(name, mnist):
    (x, t), test = mnist
    xpnet.use(name)
    net = TwoLayerNet(784, 50, 10, seed=0)
    history = net.fit(x, t, epochs=16, batch_size=100, optimizer=SGD(lr=0.1), validation=test, seed=0)
    assert history.test_accuracy[0] >= 0.90
    assert history.test_accuracy[15] >= 0.965
    for epoch, accuracy in CURVE.items():
        assert history.test_accuracy[epoch - 1] == pytest.approx(accuracy, abs=0.008)


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_the_explicit_loop_of_the_book_reproduces_the_curve(name, mnist):
    (x_train, t_train), (x_test, t_test) = mnist
    xpnet.use(name)
    net, rng, accuracies = TwoLayerNet(784, 50, 10, seed=0), np.random.default_rng(0), []
    for step in range(1, 16 * 600 + 1):
        batch = rng.choice(60_000, 100)
        grads = net.gradient(x_train[batch], t_train[batch])
        for key in ("W1", "b1", "W2", "b2"):
            net.params[key] -= 0.1 * grads[key]
        if step % 600 == 0:
            accuracies.append(net.accuracy(x_test, t_test))
    assert accuracies[0] >= 0.90
    assert accuracies[15] >= 0.965


def test_backends_agree_over_a_hundred_steps(mnist, backend):
    (x, t), _ = mnist
    # In the simulator a net of this size takes its time: the compiled ways are compared on smaller ones.
    rows, engine = (200, "layers") if backend.name == "simulated-cuda" else (10_000, "auto")

    def losses():
        net = TwoLayerNet(784, 50, 10, seed=0)
        return net.fit(x[:rows], t[:rows], batch_size=100, seed=0, verbose=False, engine=engine).loss

    with xpnet.using("numpy"):
        expected = losses()
    actual = losses()
    assert len(actual) == rows // 100
    np.testing.assert_allclose(actual, expected, rtol=1e-4)
