"""Every layer on every backend: back-propagation against central differences in float64."""

import numpy as np
import pytest

import xpnet
from xpnet import layers


def normal(*shape):
    """Numbers small enough that the central difference's own error stays far below 1e-7."""
    return 0.3 * np.random.default_rng(sum(shape)).normal(size=shape)


LABELS = np.array([3, 0, 1, 1, 2])
CASES = {
    "AddLayer": (lambda a: layers.AddLayer(), [normal(2, 3), normal(3)]),
    "MulLayer": (lambda a: layers.MulLayer(), [normal(2, 3), normal(2, 1)]),
    "DivLayer": (lambda a: layers.DivLayer(), [normal(2, 3), 1 + np.abs(normal(2, 3))]),
    "Relu": (lambda a: layers.Relu(), [normal(4, 5)]),
    "Sigmoid": (lambda a: layers.Sigmoid(), [normal(4, 5)]),
    "Tanh": (lambda a: layers.Tanh(), [normal(4, 5)]),
    "Softmax": (lambda a: layers.Softmax(), [normal(4, 5)]),
    "Affine": (lambda a: layers.Affine(a(normal(6, 4)), a(normal(4))), [normal(5, 2, 3)]),
    "MatMul": (lambda a: layers.MatMul(a(normal(6, 4))), [normal(5, 6)]),
    "RNN": (
        lambda a: layers.RNN(a(normal(3, 4)), a(normal(4, 4)), a(normal(4))),
        [normal(2, 3), normal(2, 4)],
    ),
    "TimeRNN": (lambda a: layers.TimeRNN(a(normal(3, 4)), a(normal(4, 4)), a(normal(4))), [normal(2, 5, 3)]),
    "Dropout": (lambda a: FrozenDropout(0.4), [normal(4, 5)]),
    "SoftmaxWithLoss": (lambda a: Against(layers.SoftmaxWithLoss(), a(LABELS)), [normal(5, 4)]),
    "IdentityWithLoss": (lambda a: Against(layers.IdentityWithLoss(), a(normal(5, 4))), [normal(5, 4)]),
    "SigmoidWithLoss": (
        lambda a: Against(layers.SigmoidWithLoss(), a(LABELS.astype(float) > 1, "float64")),
        [normal(5)],
    ),
}


class FrozenDropout(layers.Dropout):
    """Draws the same mask every time, so that the loss is a function of x."""

    def forward(self, x):
        with xpnet.random.seeded(0):
            return super().forward(x)


class Against:
    """A loss layer with its target."""

    def __init__(self, loss, t):
        self.loss, self.t, self.parameters = loss, t, {}

    def forward(self, x):
        return self.loss.forward(x, self.t)

    def backward(self, dout):
        return self.loss.backward(dout)


def test_every_layer_has_a_case():
    bases = {"Layer", "LossLayer"}
    assert set(CASES) == set(layers.__all__) - bases


@pytest.mark.parametrize("name", CASES)
def test_backward_is_the_derivative_of_forward(name, backend):
    make, host_inputs = CASES[name]
    layer, inputs = make(backend.asarray), [backend.asarray(x) for x in host_inputs]
    out = layer.forward(*inputs)
    dout = backend.asarray(np.random.default_rng(5).normal(size=tuple(out.shape)))
    before = [xpnet.to_numpy(array).copy() for array in [*inputs, dout]]
    gradients = layer.backward(dout)
    for array, was in zip([*inputs, dout], before, strict=True):
        np.testing.assert_array_equal(xpnet.to_numpy(array), was)

    def scalar(_):
        return float(np.sum(xpnet.to_numpy(layer.forward(*inputs)) * xpnet.to_numpy(dout)))

    analytic = list(gradients) if isinstance(gradients, tuple) else [gradients]
    pairs = list(zip(analytic, inputs, strict=True))
    pairs += [(cell.grad, cell.data) for cell in layer.parameters.values()]
    for analytic_gradient, array in pairs:
        got = xpnet.to_numpy(analytic_gradient).copy()
        by_numbers = xpnet.to_numpy(xpnet.numerical_gradient(scalar, array))
        assert got.shape == by_numbers.shape
        assert got.dtype == np.float64
        np.testing.assert_allclose(got, by_numbers, rtol=0, atol=1e-7)


NO_ONE_SHAPE = {"AddLayer", "MulLayer", "DivLayer", "SoftmaxWithLoss", "IdentityWithLoss", "SigmoidWithLoss"}
"""Graph nodes take numbers that broadcast; the gradient of a loss is a number."""


@pytest.mark.parametrize("name", sorted(set(CASES) - NO_ONE_SHAPE))
def test_a_gradient_of_the_output_turned_around_is_refused(name, backend):
    make, inputs = CASES[name]
    layer = make(backend.asarray)
    shape = tuple(layer.forward(*(backend.asarray(x) for x in inputs)).shape)
    with pytest.raises(ValueError, match=rf": d\w+ is \({shape[-1]}, .*they must be equal"):
        layer.backward(backend.asarray(np.ones(shape[::-1])))
