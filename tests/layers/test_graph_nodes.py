import numpy as np
import pytest
from stand_ins import StrictBackend, check

import xpnet
from xpnet.layers import AddLayer, DivLayer, MulLayer


def test_two_apples_exactly():
    apple, tax = MulLayer(), MulLayer()
    price = tax.forward(apple.forward(100, 2), 1.1)
    assert price == 220.00000000000003
    d_apple_price, d_tax = tax.backward(1)
    assert apple.backward(d_apple_price) == (2.2, 110.00000000000001)
    assert d_tax == 200


def test_apples_and_oranges_exactly():
    apples, oranges, both, tax = MulLayer(), MulLayer(), AddLayer(), MulLayer()
    price = tax.forward(both.forward(apples.forward(100, 2), oranges.forward(150, 3)), 1.1)
    assert price == 715.0000000000001
    d_both, d_tax = tax.backward(1)
    d_apples, d_oranges = both.backward(d_both)
    assert apples.backward(d_apples) == (2.2, 110.00000000000001)
    assert oranges.backward(d_oranges) == (3.3000000000000003, 165.0)
    assert d_tax == 650


@pytest.mark.parametrize(
    ("layer", "value", "gradients"),
    [(AddLayer, 30, (1, 1)), (MulLayer, 200, (20, 10)), (DivLayer, 0.5, (0.05, -0.025))],
)
def test_ten_and_twenty(layer, value, gradients):
    node = layer()
    assert node.forward(10, 20) == value
    assert node.backward(1) == gradients


NODES = {
    AddLayer: lambda x, y, d: (x + y, d, d),
    MulLayer: lambda x, y, d: (x * y, d * y, d * x),
    DivLayer: lambda x, y, d: (x / y, d / y, -d * x / y**2),
}


@pytest.mark.parametrize("layer", NODES)
@pytest.mark.parametrize("shapes", [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((1,), (4, 2, 3))])
def test_arrays_that_broadcast_get_gradients_of_their_own_shape(layer, shapes, backend):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=shapes[0]), rng.uniform(1, 2, size=shapes[1])
    dout = rng.normal(size=np.broadcast_shapes(*shapes))
    value, dx, dy = NODES[layer](x, y, dout)
    node = layer()
    check(node.forward(backend.asarray(x), backend.asarray(y)), value, backend)
    actual_dx, actual_dy = node.backward(backend.asarray(dout))
    check(actual_dx, summed_to(dx, x.shape), backend)
    check(actual_dy, summed_to(dy, y.shape), backend)


def summed_to(gradient, shape):
    """Sum where forward broadcast, written with a loop over all elements."""
    total = np.zeros(shape)
    for index in np.ndindex(gradient.shape):
        own = index[len(index) - len(shape) :]
        total[tuple(0 if size == 1 else i for i, size in zip(own, shape, strict=True))] += gradient[index]
    return total


def test_an_array_and_a_number():
    node = MulLayer()
    np.testing.assert_array_equal(node.forward(np.array([1.0, 2.0]), 3), [3, 6])
    dx, dy = node.backward(np.array([1.0, 1.0]))
    np.testing.assert_array_equal(dx, [3, 3])
    assert dy == 3.0


@pytest.mark.parametrize("layer", NODES)
def test_two_families_meeting_name_the_layer(layer):
    foreign = StrictBackend().asarray(np.ones(2))
    with pytest.raises(xpnet.DeviceMismatchError, match=rf"{layer.__name__}: x is a numpy array.*net\.to"):
        layer().forward(np.ones(2), foreign)


def test_backward_before_forward_says_what_to_do():
    with pytest.raises(RuntimeError, match=r"call MulLayer\.forward first"):
        MulLayer().backward(1)
