import numpy as np
import pytest
from stand_ins import check

import xpnet
from xpnet.layers import Affine, Relu
from xpnet.nets import Sequential, TwoLayerNet

RNG = np.random.default_rng(8)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 3)])
def test_the_gradient_of_a_cubic(shape, backend):
    host = RNG.normal(size=shape)
    x = backend.asarray(host)
    gradient = xpnet.numerical_gradient(lambda x: float((xpnet.to_numpy(x) ** 3).sum()), x)
    check(gradient, 3 * host**2, backend, atol=2e-8)


def test_x_comes_back_bit_for_bit_even_when_f_raises():
    x = np.array([0.1, 1e300, -0.0, np.pi])
    before = x.tobytes()
    xpnet.numerical_gradient(lambda x: 1.0, x)
    assert x.tobytes() == before

    def fails(x):
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        xpnet.numerical_gradient(fails, x)
    assert x.tobytes() == before


def test_a_function_that_ignores_its_argument():
    net = TwoLayerNet(3, 2, 2, weight_init_std=1.0, seed=0, dtype="float64")
    x, t = RNG.normal(size=(4, 3)), np.array([0, 1, 1, 0])
    gradient = xpnet.numerical_gradient(lambda W: net.loss(x, t), net.params["W1"])
    np.testing.assert_allclose(gradient, net.gradient(x, t)["W1"], atol=1e-8)


def test_views_and_float32():
    whole = np.ones((4, 4), dtype="float32")
    gradient = xpnet.numerical_gradient(lambda x: float((x**2).sum()), whole[::2, ::2], h=1e-2)
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient, np.full((2, 2), 2), rtol=1e-3)


def test_integers_are_refused():
    with pytest.raises(TypeError, match=r"x is int64; it must be floating point, e\.g\. x\.astype"):
        xpnet.numerical_gradient(lambda x: 0.0, np.arange(3))


def test_check_of_a_right_net_leaves_the_net_alone(backend):
    net = TwoLayerNet(4, 3, 3, weight_init_std=0.5, seed=0)
    before = {name: xpnet.to_numpy(array).tobytes() for name, array in net.params.items()}
    report = xpnet.gradient_check(net, RNG.normal(size=(3, 4)), [0, 1, 2])
    assert report.passed
    assert list(report) == ["W1", "b1", "W2", "b2"]
    assert max(check.worst for check in report.values()) < 1e-7
    assert {name: xpnet.to_numpy(array).tobytes() for name, array in net.params.items()} == before
    assert net.dtype == np.float32


def test_a_wrong_gradient_is_found_and_located():
    class Wrong(Affine):
        def backward(self, dout):
            dx = super().backward(dout)
            self.dW = self.dW.copy()
            self.dW[1, 2] += 0.25
            return dx

    net = Sequential([Wrong(RNG.normal(size=(4, 3)), np.zeros(3))])
    report = xpnet.gradient_check(net, RNG.normal(size=(3, 4)), [0, 1, 2])
    assert not report.passed
    assert report["W1"].index == (1, 2)
    assert report["W1"].worst == pytest.approx(0.25, abs=1e-6)
    assert report["b1"].passed
    assert "WRONG: mean 2.1e-02, worst 2.5e-01 at [1, 2]" in str(report)


def test_a_relu_kink_is_named():
    """One weight of 1e-6 on the kink: the central difference there is half of the one-sided slope."""
    layers = [Affine(np.array([[1e-6]]), np.zeros(1)), Relu(), Affine(np.array([[3.0, -3.0]]), np.zeros(2))]
    report = xpnet.gradient_check(Sequential(layers), np.ones((1, 1)), [0])
    assert report["W1"].on_kink
    assert report["W1"].worst > 1
    assert "on a ReLU kink" in str(report)
    assert not report["W2"].on_kink


@pytest.mark.mnist
def test_the_orders_of_magnitude_of_the_specification(mnist):
    """784-50-10 on three MNIST images: mean differences of about 1e-13, 1e-12, 1e-12 and 1e-10."""
    (x, t), _ = mnist
    report = xpnet.gradient_check(TwoLayerNet(784, 50, 10, seed=0), x[:3], t[:3])
    assert report.passed
    for name, order in {"W1": 1e-13, "b1": 1e-12, "W2": 1e-12, "b2": 1e-10}.items():
        assert order / 30 < report[name].mean < order * 30


def test_numerical_gradient_of_a_float32_net_is_taken_in_float64():
    net = TwoLayerNet(6, 4, 3, weight_init_std=1.0, seed=1)
    x, t = RNG.normal(size=(9, 6)), np.arange(9) % 3
    numerical = net.numerical_gradient(x, t)
    for name, grad in net.gradient(x, t).items():
        assert numerical[name].dtype == np.float32
        np.testing.assert_allclose(numerical[name], grad, atol=1e-6)


def test_a_layer_alone_cannot_be_checked():
    with pytest.raises(TypeError, match=r"gradient_check needs a net, got Relu; .*Sequential\(\[layer\]"):
        xpnet.gradient_check(Relu(), np.ones((2, 3)), [0, 1])


def test_a_recurrent_layer_that_carries_its_state_is_checked_from_one_state():
    rng = np.random.default_rng(3)
    layer = xpnet.layers.TimeRNN(rng.normal(size=(3, 4)), rng.normal(size=(4, 4)), np.zeros(4), stateful=True)
    net = xpnet.nets.Sequential([layer], loss=xpnet.layers.IdentityWithLoss(), dtype="float64")
    x, t = 0.3 * rng.normal(size=(2, 5, 3)), np.zeros((2, 5, 4))
    net.predict(x)
    before = layer.h.copy()
    assert xpnet.gradient_check(net, x, t).passed
    np.testing.assert_array_equal(layer.h, before)
