import numpy as np
import pytest
from stand_ins import StrictBackend, check

import xpnet
from xpnet.layers import Affine, MatMul, Relu
from xpnet.layers.affine_relu import AffineRelu, fuse

RNG = np.random.default_rng(2)
W, B = RNG.normal(size=(6, 4)), RNG.normal(size=4)


def affine_on(backend):
    return Affine(backend.asarray(W), backend.asarray(B))


@pytest.mark.parametrize("shape", [(6,), (1, 6), (5, 6), (0, 6), (3, 2, 3), (2, 1, 3, 2)])
def test_forward_and_backward_for_every_shape_of_input(shape, backend):
    x = RNG.normal(size=shape)
    flat = x.reshape(1 if x.ndim == 1 else shape[0], 6)
    layer = affine_on(backend)
    y = flat @ W + B
    check(layer.forward(backend.asarray(x)), y[0] if x.ndim == 1 else y, backend)
    dout = RNG.normal(size=y.shape)
    dx = layer.backward(backend.asarray(dout[0] if x.ndim == 1 else dout))
    check(dx, (dout @ W.T).reshape(shape), backend)
    check(layer.dW, flat.T @ dout, backend)
    check(layer.db, dout.sum(axis=0), backend)


def test_db_of_the_worked_figure(backend):
    layer = Affine(backend.asarray(np.zeros((2, 3))), backend.asarray(np.zeros(3)))
    layer.forward(backend.asarray(np.zeros((2, 2))))
    layer.backward(backend.asarray([[1.0, 2, 3], [4, 5, 6]]))
    check(layer.db, [5, 7, 9], backend)


def test_integer_input_takes_the_dtype_of_W(backend):
    layer = Affine(backend.asarray(W, "float32"), backend.asarray(B, "float32"))
    x = np.arange(12).reshape(2, 6)
    check(layer.forward(backend.asarray(x)), x @ W + B, backend, dtype="float32", rtol=1e-5)


@pytest.mark.parametrize("shape", [(3, 7), (7,), (2, 7, 3)])
def test_a_wrong_number_of_features_says_both_shapes(shape):
    features = int(np.prod(shape if len(shape) == 1 else shape[1:]))
    with pytest.raises(ValueError, match=rf"Affine: x has {features} features but W is \(6, 4\)"):
        Affine(W, B).forward(np.zeros(shape))


def test_parameters_that_do_not_fit_each_other():
    with pytest.raises(ValueError, match=r"W is \(6, 4\) and b is \(5,\)"):
        Affine(W, np.zeros(5))


def test_x_and_W_of_two_families_name_layer_arguments_devices_and_fix():
    x = StrictBackend().asarray(np.ones((2, 6)))
    with pytest.raises(
        xpnet.DeviceMismatchError, match=r"Affine: x is a array_api_strict array.*W is a numpy.*to\("
    ):
        Affine(W, B).forward(x)


def test_assigning_reaches_the_cell_and_copies():
    layer = Affine(np.zeros((6, 4)), np.zeros(4))
    mine = W.copy()
    layer.W = mine
    mine[:] = 0
    np.testing.assert_array_equal(layer.parameters["W"].data, W)
    with pytest.raises(ValueError, match=r"shape \(6, 4\), got \(4, 6\)"):
        layer.W = W.T


def test_backward_before_forward():
    with pytest.raises(RuntimeError, match=r"Affine\.forward first"):
        Affine(W, B).backward(np.zeros((1, 4)))


def test_matmul_on_the_worked_figure(backend):
    layer = MatMul(backend.asarray([[1.0, 2, 3], [4, 5, 6]]))
    check(layer.forward(backend.asarray([[1, 2], [3, 4]])), [[9, 12, 15], [19, 26, 33]], backend)
    check(layer.backward(backend.asarray([[1.0, 2, 3], [4, 5, 6]])), [[14, 32], [32, 77]], backend)
    check(layer.dW, [[13, 17, 21], [18, 24, 30]], backend)


def test_matmul_of_a_wrong_shape():
    with pytest.raises(ValueError, match=r"MatMul: x is \(2, 3\) but W is \(6, 4\)"):
        MatMul(W).forward(np.zeros((2, 3)))


@pytest.mark.parametrize("shape", [(6,), (5, 6), (3, 2, 3)])
def test_fused_affine_and_relu_equal_the_two_layers(shape, backend):
    x = backend.asarray(RNG.normal(size=shape))
    apart, relu = affine_on(backend), Relu()
    expected = xpnet.to_numpy(relu.forward(apart.forward(x)))
    fused = AffineRelu(affine_on(backend), Relu())
    check(fused.forward(x), expected, backend)
    dout = backend.asarray(RNG.normal(size=expected.shape))
    check(fused.backward(dout), xpnet.to_numpy(apart.backward(relu.backward(dout))), backend)
    for name in ("dW", "db"):
        check(getattr(fused.affine, name), xpnet.to_numpy(getattr(apart, name)), backend)


@pytest.mark.parametrize("fused", [False, True])
def test_the_first_layer_of_a_net_leaves_its_parameters_gradients_only(fused, backend):
    x, dout = backend.asarray(RNG.normal(size=(5, 6))), backend.asarray(RNG.normal(size=(5, 4)))
    whole, part = affine_on(backend), affine_on(backend)
    if fused:
        whole, part = AffineRelu(whole, Relu()), AffineRelu(part, Relu())
    for layer in (whole, part):
        layer.forward(x)
    whole.backward(dout)
    assert part.backward_to_parameters(dout) is None
    for name, cell in whole.parameters.items():
        check(part.parameters[name].grad, xpnet.to_numpy(cell.grad), backend)


def test_only_an_affine_right_before_a_relu_is_fused():
    class MyRelu(Relu):
        pass

    first, second = Affine(W, B), Affine(W.T, np.zeros(6))
    stages = fuse([Relu(), first, Relu(), second, MyRelu()])
    assert [type(stage).__name__ for stage in stages] == ["Relu", "AffineRelu", "Affine", "MyRelu"]
    assert stages[1].parameters is first.parameters


def through(layer):
    """The layer alone, or with a Relu fused to it."""
    return AffineRelu(layer, Relu())


@pytest.mark.parametrize("wrap", [lambda layer: layer, through], ids=["Affine", "AffineRelu"])
@pytest.mark.parametrize(
    ("x", "dout", "y"),
    [
        ((2, 6), (4, 2), r"\(2, 4\)"),
        ((2, 6), (8,), r"\(2, 4\)"),
        ((2, 3, 2), (2, 2, 2), r"\(2, 4\)"),
        ((2, 6), (1,), r"\(2, 4\)"),
        ((1, 6), (4, 1), r"\(1, 4\)"),
        ((6,), (2, 2), r"\(4,\)"),
        ((6,), (3,), r"\(4,\)"),
    ],
)
def test_a_gradient_of_another_shape_is_refused(x, dout, y, wrap, backend):
    layer = wrap(affine_on(backend))
    layer.forward(backend.asarray(np.ones(x)))
    for method in (layer.backward, layer.backward_to_parameters):
        with pytest.raises(ValueError, match=rf"Affine: dout is \({dout[0]}.* but y is {y}"):
            method(backend.asarray(np.ones(dout)))


@pytest.mark.parametrize("wrap", [lambda layer: layer, through], ids=["Affine", "AffineRelu"])
@pytest.mark.parametrize(("x", "dout"), [((6,), (4,)), ((6,), (1, 4)), ((1, 6), (4,)), ((1, 6), (1, 4))])
def test_one_sample_may_have_an_axis_for_it_or_not(x, dout, wrap, backend):
    layer = wrap(affine_on(backend))
    layer.forward(backend.asarray(np.ones(x)))
    assert tuple(layer.backward(backend.asarray(np.ones(dout))).shape) == x


def test_numbers_go_through_a_layer_of_one_weight():
    layer = Affine([[3.0]], [1.0])
    assert layer.forward(2).tolist() == [7.0]
    assert float(layer.backward(5)) == 15.0
    assert layer.dW.tolist() == [[10.0]]


def test_matmul_refuses_a_gradient_of_another_shape(backend):
    layer = MatMul(backend.asarray(W))
    layer.forward(backend.asarray(np.ones((2, 6))))
    with pytest.raises(ValueError, match=r"MatMul: dout is \(4, 2\) but y is \(2, 4\); they must be equal"):
        layer.backward(backend.asarray(np.ones((4, 2))))
