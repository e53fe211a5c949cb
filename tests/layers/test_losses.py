import math

import numpy as np
import pytest
from stand_ins import check

import xpnet
from xpnet.layers import Affine, IdentityWithLoss, SigmoidWithLoss, SoftmaxWithLoss
from xpnet.nets import Sequential

RNG = np.random.default_rng(3)
X, T = 3 * RNG.normal(size=(7, 5)), RNG.integers(0, 5, 7)
Y = np.exp(X) / np.exp(X).sum(axis=1, keepdims=True)
ONE_HOT = np.eye(5)[T]


@pytest.mark.parametrize("labels", [T, ONE_HOT, T.astype(np.uint8)], ids=["indices", "one-hot", "uint8"])
def test_softmax_with_loss_from_indices_and_one_hot(labels, backend):
    layer = SoftmaxWithLoss()
    loss = layer.forward(backend.asarray(X), backend.asarray(labels))
    check(loss, -np.log(Y[range(7), T]).mean(), backend)
    check(layer.backward(), (Y - ONE_HOT) / 7, backend)
    check(layer.backward(2.5), 2.5 * (Y - ONE_HOT) / 7, backend)
    check(layer.y, Y, backend)


KEPT = [
    (SoftmaxWithLoss, X, T),
    (SoftmaxWithLoss, X, T.astype(np.uint8)),
    (SoftmaxWithLoss, X, ONE_HOT),
    (SoftmaxWithLoss, X, T.tolist()),
    (SoftmaxWithLoss, X[0], 3),
    (IdentityWithLoss, X, ONE_HOT),
    (IdentityWithLoss, X, ONE_HOT.astype(int)),
    (IdentityWithLoss, X, ONE_HOT.tolist()),
    (SigmoidWithLoss, X, ONE_HOT),
    (SigmoidWithLoss, X, ONE_HOT.astype(int)),
    (SigmoidWithLoss, X, ONE_HOT.tolist()),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize(("loss", "x", "t"), KEPT)
def test_targets_are_kept_as_they_were_given(loss, x, t, validate, dtype, backend):
    layer, t = loss(), backend.asarray(t) if isinstance(t, np.ndarray) else t
    before = xpnet.to_numpy(t).copy() if hasattr(t, "dtype") else t
    layer.forward(backend.asarray(x, dtype), t, validate=validate)
    layer.backward()
    assert layer.t is t
    np.testing.assert_array_equal(xpnet.to_numpy(t) if hasattr(t, "dtype") else t, before)


@pytest.mark.parametrize("t", [T, ONE_HOT], ids=["indices", "one-hot"])
def test_a_net_keeps_the_labels_of_its_last_loss(t):
    for name in ("numpy", "numba"):
        xpnet.use(name)
        net = Sequential([Affine(np.eye(5), np.zeros(5))])
        net.gradient(X, t)
        assert net.lastLayer.t is t


def test_one_sample_of_one_class_is_one_hot():
    assert SoftmaxWithLoss().forward([[3.0]], [[1.0]]) == 0


def test_a_single_sample_with_an_integer_label(backend):
    layer = SoftmaxWithLoss()
    check(layer.forward(backend.asarray(X[0]), 3), -math.log(Y[0, 3]), backend)
    check(layer.backward(), Y[0] - np.eye(5)[3], backend)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logits_of_a_thousand_are_finite_and_right(dtype, backend):
    x = backend.asarray([[1000.0, -1000.0, 0.0], [-1000.0, -1000.0, -1000.0]], dtype)
    layer = SoftmaxWithLoss()
    check(layer.forward(x, backend.asarray([1, 2])), (2000 + math.log(3)) / 2, backend, dtype, rtol=1e-6)
    third = 1 / 3
    expected = np.array([[1, -1, 0], [third, third, third - 1]]) / 2
    check(layer.backward(), expected, backend, dtype, atol=1e-6)


@pytest.mark.parametrize(
    ("x", "t", "message"),
    [
        (X, np.r_[T[:6], 5], r"label 5 at t\[6\] is outside 0\.\.4"),
        (X, np.r_[-1, T[1:]], r"label -1 at t\[0\] is outside 0\.\.4"),
        (X, T[:6], r"x is \(7, 5\) but t is \(6,\)"),
        (X, ONE_HOT[:, :4], r"x is \(7, 5\) but t is \(7, 4\)"),
        (X[:0], T[:0], r"batch is empty: x is \(0, 5\)"),
        (X, T + 0.5, r"must be integers, got float64"),
        (X, np.roll(ONE_HOT, 1) * 2, r"row 0 of t is not one-hot"),
        (np.where(X[2, 3] == X, np.nan, X), T, r"x\[2, 3\] is nan"),
        (np.zeros((2, 2, 2)), T, r"x is \(2, 2, 2\); it must be \(N, C\)"),
    ],
)
def test_what_cannot_be_a_batch_says_why(x, t, message, backend):
    with pytest.raises(ValueError, match="SoftmaxWithLoss: .*" + message):
        SoftmaxWithLoss().forward(backend.asarray(x), backend.asarray(t))


def test_identity_with_loss(backend):
    y, t = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3))
    layer = IdentityWithLoss()
    check(layer.forward(backend.asarray(y), backend.asarray(t)), 0.5 * ((y - t) ** 2).sum() / 4, backend)
    check(layer.backward(), (y - t) / 4, backend)
    check(layer.backward(3.0), 3 * (y - t) / 4, backend)


def test_sigmoid_with_loss(backend):
    x, t = 3 * RNG.normal(size=6), np.array([0.0, 1, 1, 0, 1, 0])
    y = 1 / (1 + np.exp(-x))
    layer = SigmoidWithLoss()
    loss = layer.forward(backend.asarray(x), backend.asarray(t))
    check(loss, -(t * np.log(y) + (1 - t) * np.log(1 - y)).mean(), backend)
    check(layer.backward(), (y - t) / 6, backend)
    check(layer.y, y, backend)


def test_sigmoid_with_loss_far_out(backend):
    loss = SigmoidWithLoss().forward(backend.asarray([1000.0, -1000.0]), backend.asarray([0.0, 0.0]))
    check(loss, 500, backend)


@pytest.mark.parametrize("layer", [IdentityWithLoss, SigmoidWithLoss])
def test_targets_of_another_shape_and_empty_batches(layer):
    with pytest.raises(ValueError, match=rf"{layer.__name__}: x is \(2, 1\) but t is \(2,\)"):
        layer().forward(np.zeros((2, 1)), np.zeros(2))
    with pytest.raises(ValueError, match="batch is empty"):
        layer().forward(np.zeros((0, 1)), np.zeros((0, 1)))
    with pytest.raises(ValueError, match=r"x\[1\] is nan"):
        layer().forward(np.array([0, np.nan]), np.zeros(2))


def test_sigmoid_targets_outside_0_to_1():
    with pytest.raises(ValueError, match=r"outside 0\.\.1"):
        SigmoidWithLoss().forward(np.zeros(2), np.array([0.0, 2.0]))


def test_integer_targets_take_the_dtype_of_x(backend):
    loss = SigmoidWithLoss().forward(backend.asarray([0.5, 1.0], "float32"), backend.asarray([0, 1]))
    assert str(loss.dtype).endswith("float32")


@pytest.mark.parametrize("y", [0.5, np.full((2, 2, 2), 0.5)])
def test_cross_entropy_error_wants_rows_of_classes(y):
    with pytest.raises(ValueError, match=r"cross_entropy_error: y is \(.*\); it must be \(N, C\) or \(C,\)"):
        xpnet.cross_entropy_error(y, [0, 1])


def test_validation_can_be_left_out():
    assert np.isnan(SoftmaxWithLoss().forward(np.full((1, 2), np.nan), [0], validate=False))


def test_cross_entropy_error_of_the_book():
    y = [0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0]
    assert float(xpnet.cross_entropy_error(y, [0, 0, 1, 0, 0, 0, 0, 0, 0, 0])) == 0.510825457099338
    assert float(xpnet.cross_entropy_error(y, 2)) == 0.510825457099338
    assert float(xpnet.cross_entropy_error(np.array([y, y]), np.array([2, 2]))) == 0.510825457099338
