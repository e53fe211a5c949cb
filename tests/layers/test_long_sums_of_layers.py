"""The gradients that layers sum over a batch, or over steps, keep their digits however many there are."""

import numpy as np
import pytest

import xpnet
from xpnet.layers import AddLayer, Affine, DivLayer, MulLayer, TimeRNN

EPS = float(np.finfo("float32").eps)
ROWS = 20_000


def allowed(count):
    """How far from the true sum of so many numbers a float32 sum may be, relative to it."""
    return 4 * EPS * np.log2(count)


def on(backend, array):
    if backend.name == "simulated-cuda":
        pytest.skip("the kernels are compared in tests/kernels/test_long_sums.py, in the simulator")
    return backend.asarray(array)


@pytest.mark.parametrize("rows", [100, ROWS, 100_000])
def test_db_of_an_affine_layer(rows, backend):
    x = on(backend, np.ones((rows, 1), "float32"))
    layer = Affine(backend.asarray(np.ones((1, 2), "float32")), backend.asarray(np.zeros(2, "float32")))
    layer.forward(x)
    layer.backward(backend.asarray(np.full((rows, 2), 0.1, "float32")))
    db = xpnet.to_numpy(layer.db)
    assert db.dtype == np.float32
    np.testing.assert_allclose(db, rows * np.float64(np.float32(0.1)), rtol=allowed(rows))


NODES = {AddLayer: 1.0, MulLayer: 2.0, DivLayer: 0.5}
"""The gradient of x where y is 2."""


@pytest.mark.parametrize("shape", [(3,), (1, 3), (1, 1), (1,)])
@pytest.mark.parametrize("layer", NODES)
def test_the_gradient_of_an_operand_that_was_broadcast(layer, shape, backend):
    node, dout = layer(), np.full((ROWS, 3), 0.1, "float32")
    x, y = np.ones(shape, "float32"), np.full((ROWS, 3), 2, "float32")
    node.forward(on(backend, x), backend.asarray(y))
    dx, _ = node.backward(backend.asarray(dout))
    found = xpnet.to_numpy(dx)
    assert (found.dtype, found.shape) == (np.float32, shape)
    exact = NODES[layer] * ROWS * 3 / x.size * np.float64(np.float32(0.1))
    np.testing.assert_allclose(found, exact, rtol=allowed(3 * ROWS))


def test_the_gradients_of_many_steps(backend):
    """b stays 0 and so does h, so that each step's gradient of b is its dhs."""
    steps = 3_000
    weights = np.zeros((1, 2), "float32"), np.zeros((2, 2), "float32"), np.zeros(2, "float32")
    layer = TimeRNN(*(on(backend, array) for array in weights))
    layer.forward(backend.asarray(np.ones((1, steps, 1), "float32")))
    layer.backward(backend.asarray(np.full((1, steps, 2), 0.1, "float32")))
    exact = steps * np.float64(np.float32(0.1))
    for gradient in (layer.db, layer.dWx):
        found = xpnet.to_numpy(gradient)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, exact, rtol=allowed(steps))
