"""A scalar comes back as a NumPy scalar on every backend of host arrays, with the same value."""

import numpy as np
import pytest
from stand_ins import EVERY_BACKEND, check

import xpnet
from xpnet.layers import (
    AddLayer,
    DivLayer,
    Dropout,
    IdentityWithLoss,
    MulLayer,
    Relu,
    Sigmoid,
    SigmoidWithLoss,
    Softmax,
    SoftmaxWithLoss,
    Tanh,
)
from xpnet_kernels import sgd

HALF = 1 / (1 + np.exp(-0.5))
LOG = np.log1p(np.exp(-0.5))


def predicting():
    layer = Dropout(0.25)
    layer.training = False
    return layer


LAYERS = {
    "Sigmoid": (Sigmoid, HALF, HALF * (1 - HALF)),
    "Tanh": (Tanh, np.tanh(0.5), 1 / np.cosh(0.5) ** 2),
    "Relu": (Relu, 0.5, 1.0),
    "Dropout": (lambda: Dropout(0.0), 0.5, 1.0),
    "Dropout, predicting": (predicting, 0.375, 0.75),
}
NODES = {
    "AddLayer": (AddLayer, 2.5, (1.0, 1.0)),
    "MulLayer": (MulLayer, 1.0, (2.0, 0.5)),
    "DivLayer": (DivLayer, 0.25, (0.5, -0.125)),
}
LOSSES = {
    "SigmoidWithLoss": (SigmoidWithLoss, LOG, HALF - 1),
    "IdentityWithLoss": (IdentityWithLoss, 0.125, -0.5),
}
INPUTS = {
    "0-d array": lambda value, dtype, backend: backend.asarray(np.asarray(value), dtype),
    "scalar": lambda value, dtype, backend: backend.asarray(np.dtype(dtype).type(value), dtype)[()],
}


def check_scalar(got, expected, backend, dtype="float64"):
    """Check value and dtype, and that a host array's is a NumPy scalar, another's an array."""
    tolerance = 1e-12 if dtype == "float64" else 1e-6
    check(got, expected, backend, dtype, rtol=tolerance, atol=tolerance)
    assert isinstance(got, np.generic) == (backend.family == "numpy")


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture(params=INPUTS)
def make(request, dtype, backend):
    """Make a number an array without axes on the backend."""
    return lambda value: INPUTS[request.param](value, dtype, backend)


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name, make, dtype, backend):
    kind, y, dx = LAYERS[name]
    layer = kind()
    check_scalar(layer.forward(make(0.5)), y, backend, dtype)
    for dout in (2, 2.0, np.float64(2), make(2.0)):
        check_scalar(layer.backward(dout), 2 * dx, backend, dtype)


@pytest.mark.parametrize("name", LAYERS)
def test_a_python_number_is_a_float64_scalar(name):
    kind, y, dx = LAYERS[name]
    for engine in ("numpy", "numba"):
        xpnet.use(engine)
        layer = kind()
        check_scalar(layer.forward(0.5), y, EVERY_BACKEND["numpy"])
        check_scalar(layer.backward(1), dx, EVERY_BACKEND["numpy"])


def test_what_layers_remember(make, dtype, backend):
    relu, dropout = Relu(), Dropout(0.0)
    relu.forward(make(0.5))
    dropout.forward(make(0.5))
    check_scalar(relu.mask, True, backend, "bool")
    check_scalar(dropout.mask, 1, backend, dtype)


@pytest.mark.parametrize("name", NODES)
def test_nodes(name, make, dtype, backend):
    kind, out, gradients = NODES[name]
    node = kind()
    check_scalar(node.forward(make(0.5), make(2.0)), out, backend, dtype)
    for dout in (1, 1.0, np.float64(1), make(1.0)):
        for got, right in zip(node.backward(dout), gradients, strict=True):
            check_scalar(got, right, backend, dtype)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_one_number(name, make, dtype, backend):
    kind, loss, dx = LOSSES[name]
    layer = kind()
    check_scalar(layer.forward(make(0.5), make(1.0)), loss, backend, dtype)
    check_scalar(layer.loss, loss, backend, dtype)
    check_scalar(layer.y, HALF if kind is SigmoidWithLoss else 0.5, backend, dtype)
    check_scalar(layer.backward(), dx, backend, dtype)
    check_scalar(layer.backward(2), 2 * dx, backend, dtype)


def test_the_loss_of_a_batch(dtype, backend):
    x = backend.asarray([[0.0, 0.0], [0.0, 0.0]], dtype)
    half = backend.asarray([[0.5, 0.5], [0.5, 0.5]], dtype)
    check_scalar(SoftmaxWithLoss().forward(x, [0, 1]), np.log(2), backend, dtype)
    check_scalar(SigmoidWithLoss().forward(x, half), np.log(2), backend, dtype)
    check_scalar(IdentityWithLoss().forward(x, half), 0.25, backend, dtype)
    check_scalar(xpnet.cross_entropy_error(half, [0, 1], delta=0), np.log(2), backend, dtype)


def test_the_function(make, dtype, backend):
    check_scalar(xpnet.sigmoid(make(0.5)), HALF, backend, dtype)


def test_a_softmax_of_a_number_has_no_classes(make):
    with pytest.raises(ValueError, match="Softmax: x is a number; it must have an axis of classes"):
        Softmax().forward(make(0.5))


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_a_parameter_without_axes_is_changed_in_place(name):
    xpnet.use(name)
    W, gradient = np.asarray(3.0), np.asarray(2.0)
    (got,) = sgd(W, gradient, lr=0.5, out=(W,))
    assert got is W
    assert W == 2.0
