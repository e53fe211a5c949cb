"""Calls that kernels would get wrong: beyond arrays, over what is still to be read, other kinds of number."""

import numpy as np
import pytest
from engines import to_numpy

from xpnet_kernels import (
    affine,
    affine_relu,
    mlp_epoch,
    mlp_forward,
    momentum,
    sgd,
    softmax_cross_entropy,
)
from xpnet_kernels.mlp_epoch import phases

RNG = np.random.default_rng(0)


def of(operation, engine):
    """Every implementation of an operation on an engine."""
    return [one.function for one in operation.implementations if one.engine == engine]


@pytest.mark.parametrize("operation", [affine, affine_relu], ids=lambda one: one.name)
def test_a_bias_of_another_length(operation, backend):
    x, W = (backend.asarray(np.ones(shape, "float32")) for shape in ((2, 3), (3, 4)))
    for shape in ((1,), (3,), (1, 4)):
        with pytest.raises(ValueError, match=r"Affine: b is .* but W is \(3, 4\); b must be \(H,\)"):
            operation(x, W, backend.asarray(np.ones(shape, "float32")))


def test_fewer_labels_than_rows(backend):
    with pytest.raises(ValueError, match=r"x is \(2, 3\) but t is \(1,\)"):
        softmax_cross_entropy(backend.asarray(np.ones((2, 3), "float32")), backend.asarray(np.zeros(1, int)))


@pytest.mark.parametrize("engine", ["numba", "numba-cuda"])
def test_an_update_into_the_gradient_or_in_another_order(engine, library):
    xp = library(engine)
    W, dW, v = (xp.asarray(RNG.normal(size=5).astype("float32")) for _ in range(3))
    expected = [to_numpy(array) for array in sgd.reference(np, to_numpy(W), to_numpy(dW), lr=0.1)]
    for function in of(sgd, engine):
        into = dW.copy()
        function(W, into, lr=0.1, out=(into,))
        np.testing.assert_allclose(to_numpy(into), expected[0], rtol=1e-6)
    options = {"lr": 0.1, "momentum": 0.9}
    expected = momentum.reference(np, to_numpy(W), to_numpy(dW), to_numpy(v), **options)
    for function in (
        of(momentum, "numba") if engine == "numba" else ()
    ):  # a thread of a GPU reads before it writes
        first, second = W.copy(), v.copy()
        function(first, dW, second, **options, out=(second, first))
        np.testing.assert_allclose(to_numpy(second), expected[0], rtol=1e-6)
        np.testing.assert_allclose(to_numpy(first), expected[1], rtol=1e-6)


PARAMETERS = [np.full((5, 2), 0.5, "float32"), np.zeros(2, "float32")]


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64"])
def test_only_uint8_are_pixels(dtype):
    x = np.ones((3, 5), dtype)
    y = mlp_forward(x, *PARAMETERS, activations=())
    np.testing.assert_allclose(y, mlp_forward.reference(np, x, *PARAMETERS, activations=()), rtol=1e-6)
    steps = {"activations": (), "batch_size": 1, "update": "sgd", "options": [{"lr": 0.1}] * 3}
    arrays = x, np.array([0, 1, 1]), np.arange(3), *PARAMETERS
    actual, expected = mlp_epoch(*arrays, **steps), mlp_epoch.reference(np, *arrays, **steps)
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_samples_of_another_width_are_left_to_the_reference():
    with pytest.raises(ValueError, match="matmul"):
        mlp_forward(np.ones((3, 1000), "float32"), *PARAMETERS, activations=())


@pytest.mark.parametrize("batch_size", [1, 4])
def test_an_epoch_of_no_steps(batch_size):
    x, t = np.ones((4, 5), "float32"), np.zeros(4, int)
    steps = {"activations": (), "batch_size": batch_size, "update": "sgd", "options": [], "weight_decay": 0.1}
    losses, *new = mlp_epoch(x, t, np.arange(0), *PARAMETERS, **steps)
    assert losses.shape == (0,)
    for one, before in zip(new, PARAMETERS, strict=True):
        np.testing.assert_array_equal(one, before)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("hidden", [11, 37, 50])
@pytest.mark.parametrize("rows", [1, 2000])
def test_inf_in_a_sample_stays_where_the_reference_has_it(rows, hidden, activation):
    x = np.zeros((rows, 4), "float32")
    x[0, 0] = np.inf
    arrays = [-np.ones((4, hidden)), np.zeros(hidden), np.ones((hidden, 3)), np.zeros(3)]
    arrays = [array.astype("float32") for array in arrays]
    assert phases.CODES[activation]
    y = mlp_forward(x, *arrays, activations=(activation,))
    expected = {"relu": 0, "sigmoid": 0, "tanh": -hidden}[activation]
    np.testing.assert_array_equal(y[0], np.full(3, expected, "float32"))
    assert np.isfinite(y).all()
