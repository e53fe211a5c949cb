"""A number as dL/d(output) is the gradient of every element, for every layer on every backend."""

import numpy as np
import pytest
from stand_ins import EVERY_BACKEND, StrictBackend, check

import xpnet
from xpnet.layers import (
    RNN,
    AddLayer,
    Affine,
    DivLayer,
    Dropout,
    IdentityWithLoss,
    MatMul,
    MulLayer,
    Relu,
    Sigmoid,
    SigmoidWithLoss,
    Softmax,
    SoftmaxWithLoss,
    Tanh,
    TimeRNN,
)
from xpnet.layers.affine_relu import AffineRelu

RNG = np.random.default_rng(11)
X, W, B = RNG.normal(size=(5, 6)), RNG.normal(size=(6, 4)), RNG.normal(size=4)
WX, WH, H = RNG.normal(size=(6, 4)), RNG.normal(size=(4, 4)), RNG.normal(size=(5, 4))
XS = RNG.normal(size=(5, 3, 6))


def kept(a, dtype):
    """A Dropout that does not train, so that nothing is drawn."""
    layer = Dropout(0.25)
    layer.training = False
    return layer


LAYERS = {
    "Relu": (lambda a, dtype: Relu(), (X,)),
    "Sigmoid": (lambda a, dtype: Sigmoid(), (X,)),
    "Tanh": (lambda a, dtype: Tanh(), (X,)),
    "Softmax": (lambda a, dtype: Softmax(), (X,)),
    "Dropout": (lambda a, dtype: Dropout(0.25), (X,)),
    "Dropout, predicting": (kept, (X,)),
    "Affine": (lambda a, dtype: Affine(a(W, dtype), a(B, dtype)), (X,)),
    "Affine, one sample": (lambda a, dtype: Affine(a(W, dtype), a(B, dtype)), (X[0],)),
    "Affine, one row": (lambda a, dtype: Affine(a(W, dtype), a(B, dtype)), (X[:1],)),
    "AffineRelu": (lambda a, dtype: AffineRelu(Affine(a(W, dtype), a(B, dtype)), Relu()), (X,)),
    "MatMul": (lambda a, dtype: MatMul(a(W, dtype)), (X,)),
    "RNN": (lambda a, dtype: RNN(a(WX, dtype), a(WH, dtype), a(B, dtype)), (X, H)),
    "TimeRNN": (lambda a, dtype: TimeRNN(a(WX, dtype), a(WH, dtype), a(B, dtype)), (XS,)),
    "AddLayer": (lambda a, dtype: AddLayer(), (X, X[0])),
    "MulLayer": (lambda a, dtype: MulLayer(), (X, X[:, :1])),
    "DivLayer": (lambda a, dtype: DivLayer(), (X, 2 + np.abs(X[0]))),
}
NUMBERS = {
    "int": lambda a, dtype: 2,
    "float": lambda a, dtype: 2.0,
    "float64 scalar": lambda a, dtype: np.float64(2),
    "float32 scalar": lambda a, dtype: np.float32(2),
    "int64 scalar": lambda a, dtype: np.int64(2),
    "0-d array": lambda a, dtype: a(np.asarray(2.0), dtype),
    "0-d float64": lambda a, dtype: a(np.asarray(2.0), "float64"),
    "0-d integer": lambda a, dtype: a(np.asarray(2)),
}


def made(name, backend, dtype="float64"):
    """Return a layer after forward, and the output's shape."""
    make, inputs = LAYERS[name]
    layer = make(backend.asarray, dtype)
    with xpnet.random.seeded(3):
        y = layer.forward(*(backend.asarray(x, dtype) for x in inputs))
    return layer, tuple(y.shape)


def all_gradients(layer, dout):
    """Return dL/d(inputs) and the gradients of the parameters, in one list."""
    inputs = layer.backward(dout)
    own = [cell.grad for cell in layer.parameters.values()]
    return [*(inputs if isinstance(inputs, tuple) else (inputs,)), *own]


def test_the_cell_of_the_notebook(backend):
    sigmoid = Sigmoid()
    sigmoid.forward(backend.asarray(np.arange(-5, 5), "float64"))
    half = [0.00664806, 0.01766271, 0.04517666, 0.10499359, 0.19661193]
    check(sigmoid.backward(1), [*half, 0.25, *half[:0:-1]], backend, atol=5e-9)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", LAYERS)
def test_a_number_is_the_gradient_of_every_element(name, number, backend):
    layer, shape = made(name, backend)
    expected = [
        xpnet.to_numpy(array).copy() for array in all_gradients(layer, backend.asarray(np.full(shape, 2.0)))
    ]
    got = all_gradients(made(name, backend)[0], NUMBERS[number](backend.asarray, "float64"))
    for array, right in zip(got, expected, strict=True):
        check(array, right, backend)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", LAYERS)
def test_a_number_does_not_widen_float32(name, number, backend):
    layer, _ = made(name, backend, "float32")
    got = all_gradients(layer, NUMBERS[number](backend.asarray, "float32"))
    assert {str(array.dtype).rpartition(".")[2] for array in got} == {"float32"}


@pytest.mark.parametrize("name", LAYERS)
def test_an_array_of_one_element_is_no_number(name, backend):
    layer, _ = made(name, backend)
    for shape in [(1,), (1, 1)]:
        with pytest.raises(ValueError, match=r"\w+: d\w+ is \(1,.*but .* is .*they must be equal"):
            layer.backward(backend.asarray(np.ones(shape)))


@pytest.mark.parametrize("what", [None, "1", np.str_("1")])
@pytest.mark.parametrize("name", LAYERS)
def test_what_is_no_number_is_refused(name, what, backend):
    layer, _ = made(name, backend)
    with pytest.raises(TypeError, match=r"\w+: d\w+ is .*it must be an array like .*, or a number"):
        layer.backward(what)


@pytest.mark.parametrize("name", LAYERS)
def test_a_number_on_another_device_is_refused(name):
    layer, _ = made(name, EVERY_BACKEND["numpy"])
    with pytest.raises(xpnet.DeviceMismatchError, match=r"\w+: d\w+ is a array_api_strict array"):
        layer.backward(StrictBackend().asarray(np.asarray(1.0)))


@pytest.mark.parametrize("values", [[[1, 2, 3]], np.array([[1, 2, 3]])], ids=["list", "integers"])
@pytest.mark.parametrize("layer", [Relu, Sigmoid, Tanh, Softmax, Dropout])
def test_lists_and_integers_take_the_dtype_of_the_output(layer, values, backend):
    one, two = layer(), layer()
    for each in (one, two):
        with xpnet.random.seeded(3):
            each.forward(backend.asarray([[1.0, -2.0, 3.0]], "float32"))
    given = values if isinstance(values, list) else backend.asarray(values)
    expected = two.backward(backend.asarray([[1.0, 2.0, 3.0]], "float32"))
    check(one.backward(given), xpnet.to_numpy(expected), backend, dtype="float32")


LOSSES = [
    (SoftmaxWithLoss, [0, 3, 1, 2, 2]),
    (IdentityWithLoss, X.tolist()),
    (SigmoidWithLoss, np.abs(np.tanh(X)).tolist()),
]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(("loss", "t"), LOSSES)
def test_the_gradient_of_a_loss_is_a_number(loss, t, number, backend):
    for dtype in ("float32", "float64"):
        layer = loss()
        layer.forward(backend.asarray(X, dtype), t)
        expected = 2 * xpnet.to_numpy(layer.backward()).astype(np.float64)
        check(layer.backward(NUMBERS[number](backend.asarray, dtype)), expected, backend, dtype)


@pytest.mark.parametrize(("loss", "t"), LOSSES)
def test_the_gradient_of_a_loss_has_no_axes(loss, t, backend):
    layer = loss()
    layer.forward(backend.asarray(X), t)
    for shape in [(1,), (6,), (5, 6)]:
        with pytest.raises(ValueError, match=rf"{loss.__name__}: dout is .* but the loss is \(\); they must"):
            layer.backward(backend.asarray(np.ones(shape)))


@pytest.mark.parametrize("layer", [AddLayer, MulLayer, DivLayer])
def test_a_gradient_that_would_broadcast_is_refused_by_a_node(layer, backend):
    node = layer()
    node.forward(backend.asarray(X), backend.asarray(1 + X * X))
    with pytest.raises(ValueError, match=rf"{layer.__name__}: dout is \(6,\) but the output is \(5, 6\)"):
        node.backward(backend.asarray(np.ones(6)))


@pytest.mark.parametrize(
    ("layer", "gradients"), [(AddLayer, (0.5, 0.5)), (MulLayer, (2.0, 1.5)), (DivLayer, (0.125, -0.09375))]
)
def test_a_gradient_of_integers_need_not_be_an_integer(layer, gradients):
    node = layer()
    node.forward(np.array([3, 3]), np.array([4, 4]))
    for got, right in zip(node.backward(0.5), gradients, strict=True):
        np.testing.assert_array_equal(got, [right, right])


def test_a_subclass_that_keeps_its_own_mask_goes_back_from_a_number():
    class Mine(Relu):
        def forward(self, x):
            self.mask = x > 0
            return x * self.mask

    layer = Mine()
    layer.forward(np.array([1.0, -1.0]))
    np.testing.assert_array_equal(layer.backward(3), [3, 0])
