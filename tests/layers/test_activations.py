import numpy as np
import pytest
from stand_ins import check

import xpnet
from xpnet.layers import Dropout, Relu, Sigmoid, Softmax, Tanh


def test_relu_on_the_worked_figure(backend):
    x, dout = backend.asarray([[1, -0.5], [-2, 3]]), backend.asarray([[5.0, 6.0], [7.0, 8.0]])
    relu = Relu()
    check(relu.forward(x), [[1, 0], [0, 3]], backend)
    check(relu.backward(dout), [[5, 0], [0, 8]], backend)
    check(relu.mask, [[True, False], [False, True]], backend, dtype=bool)
    check(x, [[1, -0.5], [-2, 3]], backend)
    check(dout, [[5, 6], [7, 8]], backend)


def test_relu_keeps_nan(backend):
    relu = Relu()
    check(relu.forward(backend.asarray([np.nan, -np.inf, np.inf])), [np.nan, 0, np.inf], backend)
    check(relu.backward(backend.asarray([1.0, np.nan, np.nan])), [0, 0, np.nan], backend)


def test_sigmoid_on_the_worked_figures():
    sigmoid = Sigmoid()
    assert float(sigmoid.forward(10)) == 0.9999546021312976
    assert float(sigmoid.backward(1)) == 4.5395807735907655e-05
    assert float(sigmoid.forward(-5)) == pytest.approx(0.00669285, abs=5e-9)
    assert float(sigmoid.backward(1)) == pytest.approx(0.00664806, abs=5e-9)


def test_sigmoid_far_out_gives_no_warning(backend):
    check(Sigmoid().forward(backend.asarray([-1000.0, 1000.0])), [0, 1], backend)


def test_tanh(backend):
    x = np.linspace(-3, 3, 7)
    tanh = Tanh()
    check(tanh.forward(backend.asarray(x)), np.tanh(x), backend)
    check(tanh.backward(backend.asarray(np.full(7, 2.0))), 2 / np.cosh(x) ** 2, backend)


@pytest.mark.parametrize("shape", [(4,), (3, 5), (2, 3, 4)])
def test_softmax_over_the_last_axis(shape, backend):
    rng = np.random.default_rng(1)
    a, dout = 5 * rng.normal(size=shape), rng.normal(size=shape)
    y = np.exp(a) / np.exp(a).sum(axis=-1, keepdims=True)
    softmax = Softmax()
    check(softmax.forward(backend.asarray(a)), y, backend)
    jacobian = y[..., :, None] * (np.eye(shape[-1]) - y[..., None, :])
    check(softmax.backward(backend.asarray(dout)), np.einsum("...ij,...i->...j", jacobian, dout), backend)


def test_each_row_of_softmax_has_its_own_maximum(backend):
    rows = np.array([[1000.0, 1001.0], [-1001.0, -1000.0]])
    expected = 1 / (1 + np.exp([[1, -1], [1, -1]]))
    check(Softmax().forward(backend.asarray(rows)), expected, backend)


@pytest.mark.parametrize("layer", [Relu, Sigmoid, Tanh, Softmax])
def test_float32_stays_float32(layer, backend):
    made = layer()
    x = backend.asarray(np.array([[1, -2], [3, 4]]), dtype="float32")
    y = made.forward(x)
    check(y, y_of(layer), backend, dtype="float32", rtol=1e-6, atol=1e-7)
    assert str(made.backward(y).dtype).endswith("float32")


def y_of(layer):
    x = np.array([[1.0, -2], [3, 4]])
    return {
        Relu: np.maximum(x, 0),
        Sigmoid: 1 / (1 + np.exp(-x)),
        Tanh: np.tanh(x),
        Softmax: np.exp(x) / np.exp(x).sum(axis=1, keepdims=True),
    }[layer]


@pytest.mark.parametrize("layer", [Relu, Sigmoid, Tanh, Softmax])
@pytest.mark.parametrize("shape", [(3, 2), (300, 300), (2,), (1,)])
def test_a_gradient_of_another_shape_is_refused(layer, shape, backend):
    made = layer()
    made.forward(backend.asarray(np.ones((2, 3))))
    with pytest.raises(ValueError, match=rf"{layer.__name__}: dout is \({shape[0]}.* they must be equal"):
        made.backward(backend.asarray(np.ones(shape)))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(3, 2), (3,), (1,)])
def test_dropout_refuses_a_gradient_of_another_shape(shape, training, backend):
    layer = Dropout()
    layer.training = training
    layer.forward(backend.asarray(np.ones((2, 3))))
    with pytest.raises(ValueError, match=r"Dropout: dout is \(.* but y is \(2, 3\); they must be equal"):
        layer.backward(backend.asarray(np.ones(shape)))


@pytest.mark.parametrize("ratio", ["a", None, 1, -0.1, float("nan")])
def test_a_dropout_ratio_that_is_no_share(ratio):
    with pytest.raises(ValueError, match="Dropout: dropout_ratio is .*; it must be at least 0 and below 1"):
        Dropout(ratio)


def test_a_number_has_no_classes():
    with pytest.raises(ValueError, match=r"softmax: x is a number; it must have an axis of classes"):
        xpnet.softmax(3.0)
