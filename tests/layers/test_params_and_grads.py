"""`layer.params` and `layer.grads`: lists of arrays that stay the same while a layer learns."""

import copy
import pickle

import numpy as np
import pytest
from stand_ins import EVERY_BACKEND, check

import xpnet
from xpnet import layers
from xpnet.layers import RNN, Affine, Layer, MatMul, Relu, Sigmoid, TimeRNN
from xpnet.layers.affine_relu import AffineRelu
from xpnet.nets import Sequential
from xpnet.optimizers import Adam
from xpnet.parameter import DataOf, GradientOf

RNG = np.random.default_rng(17)
X, W, B = RNG.normal(size=(5, 6)), RNG.normal(size=(6, 4)), RNG.normal(size=4)
WH, H, XS = RNG.normal(size=(4, 4)), RNG.normal(size=(5, 4)), RNG.normal(size=(5, 3, 6))
LABELS = np.array([0, 3, 1, 2, 2])

WITH_PARAMETERS = {
    "Affine": (lambda a: Affine(a(W), a(B)), ("W", "b"), (X,)),
    "AffineRelu": (lambda a: AffineRelu(Affine(a(W), a(B)), Relu()), ("W", "b"), (X,)),
    "MatMul": (lambda a: MatMul(a(W)), ("W",), (X,)),
    "RNN": (lambda a: RNN(a(W), a(WH), a(B)), ("Wx", "Wh", "b"), (X, H)),
    "TimeRNN": (lambda a: TimeRNN(a(W), a(WH), a(B)), ("Wx", "Wh", "b"), (XS,)),
    "TimeRNN of one step": (lambda a: TimeRNN(a(W), a(WH), a(B)), ("Wx", "Wh", "b"), (XS[:, :1],)),
}


def made(name, backend):
    """Return a layer, the names of its parameters, and its inputs."""
    make, names, inputs = WITH_PARAMETERS[name]
    return make(lambda array: backend.asarray(array.copy())), names, [backend.asarray(x) for x in inputs]


def run(layer, inputs, dout):
    layer.forward(*inputs)
    layer.backward(dout)


def gradients_of(name, backend, dout):
    """Return the gradients of a fresh layer, which nobody asked for its lists, on the host."""
    layer, names, inputs = made(name, backend)
    run(layer, inputs, dout)
    return [xpnet.to_numpy(layer.parameters[own].grad).copy() for own in names]


def same(arrays, others):
    return len(arrays) == len(others) and all(a is b for a, b in zip(arrays, others, strict=True))


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_the_arrays_are_the_layers_own_and_stay(name, backend):
    layer, names, inputs = made(name, backend)
    params, grads = layer.params, layer.grads
    assert isinstance(params, list)
    assert isinstance(grads, list)
    for array, gradient, own in zip(params, grads, names, strict=True):
        assert array is layer.parameters[own].data
        check(gradient, np.zeros(tuple(array.shape)), backend)
    for dout in (1, 2.5):
        run(layer, inputs, dout)
        for gradient, right in zip(grads, gradients_of(name, backend, dout), strict=True):
            check(gradient, right, backend)
        assert same(grads, layer.grads)
        assert same(grads, [layer.parameters[own].grad for own in names])
        assert same(params, layer.params)


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_gradients_that_are_there_already_are_in_the_list(name, backend):
    layer, _, inputs = made(name, backend)
    run(layer, inputs, 1)
    for gradient, right in zip(layer.grads, gradients_of(name, backend, 1), strict=True):
        check(gradient, right, backend)


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_a_readers_own_optimizer_trains_through_lists_held_from_the_start(name, backend):
    layer, _, inputs = made(name, backend)
    params, grads, right = layer.params, layer.grads, [xpnet.to_numpy(array).copy() for array in layer.params]
    for dout in (1, -3):
        fresh, names, _ = made(name, backend)
        for own, array in zip(names, right, strict=True):
            fresh.parameters[own].assign(array)
        run(fresh, inputs, dout)
        right = [
            array - 0.01 * xpnet.to_numpy(fresh.parameters[own].grad)
            for own, array in zip(names, right, strict=True)
        ]
        run(layer, inputs, dout)
        for i in range(len(params)):
            params[i] -= 0.01 * grads[i]
    for array, own, value in zip(params, names, right, strict=True):
        assert layer.parameters[own].data is array
        check(array, value, backend)


WITHOUT = sorted(set(layers.__all__) - {"Affine", "MatMul", "RNN", "TimeRNN", "Layer", "LossLayer"})


@pytest.mark.parametrize("name", WITHOUT)
def test_a_layer_without_parameters_has_empty_lists(name):
    layer = getattr(layers, name)()
    assert layer.params == []
    assert layer.grads == []


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_nothing_is_kept_or_copied_unless_the_list_is_read(name, backend):
    layer, names, inputs = made(name, backend)
    run(layer, inputs, 1)
    first = [layer.parameters[own].grad for own in names]
    before = [xpnet.to_numpy(array).copy() for array in first]
    run(layer, inputs, 2)
    for array, value, own in zip(first, before, names, strict=True):
        assert layer.parameters[own].grad is not array
        np.testing.assert_array_equal(xpnet.to_numpy(array), value)


class Own(Layer):
    """A layer as the book's second volume writes them, with lists of its own."""

    def __init__(self, W):
        super().__init__()
        self.params, self.grads = [W], [np.zeros_like(W)]

    def forward(self, x):
        self.x = x
        return x @ self.params[0]

    def backward(self, dout):
        self.grads[0][...] = self.x.T @ dout
        return dout @ self.params[0].T


def twin_by_pickle(value):
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("twin_of", [copy.deepcopy, twin_by_pickle])
def test_lists_of_a_layers_own_are_used_as_they_are(twin_of):
    layer = Own(W.copy())
    params, grads = layer.params, layer.grads
    layer.forward(X)
    layer.backward(np.ones((5, 4)))
    assert layer.params is params
    assert layer.grads is grads
    np.testing.assert_allclose(grads[0], X.T @ np.ones((5, 4)), rtol=1e-12)
    twin = twin_of(layer)
    twin.params[0][...] = 0
    np.testing.assert_array_equal(twin.forward(X), np.zeros((5, 4)))
    np.testing.assert_array_equal(layer.params[0], W)


@pytest.mark.parametrize("twin_of", [copy.deepcopy, twin_by_pickle])
@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_a_copy_has_lists_of_its_own(name, twin_of):
    backend = EVERY_BACKEND["numpy"]
    layer, _, inputs = made(name, backend)
    params, grads = layer.params, layer.grads
    run(layer, inputs, 1)
    before = [array.copy() for array in grads]
    twin, kept_params, kept_grads = twin_of((layer, params, grads))
    assert same(kept_params, twin.params)
    assert same(kept_grads, twin.grads)
    run(twin, inputs, 2)
    for own, other, value in zip(grads, twin.grads, before, strict=True):
        np.testing.assert_array_equal(own, value)
        np.testing.assert_allclose(other, 2 * value, rtol=1e-12, atol=1e-14)


def small_net(backend, weight_decay_lambda=0.0):
    made_of = [Affine(W, B), Sigmoid(), Affine(WH, B)]
    net = Sequential(made_of, weight_decay_lambda=weight_decay_lambda, dtype="float64")
    return net.to(backend)


def lists_of(net):
    """Return what a trainer of the book's second volume holds: the lists of all layers in one."""
    params, grads = [], []
    for layer in net.layers.values():
        params += layer.params
        grads += layer.grads
    return params, grads


@pytest.mark.parametrize("weight_decay_lambda", [0.0, 0.1])
def test_a_nets_passes_fill_the_same_arrays(weight_decay_lambda, backend):
    net, plain = small_net(backend, weight_decay_lambda), small_net(backend, weight_decay_lambda)
    params, grads = lists_of(net)
    x, t = backend.asarray(X), backend.asarray(LABELS)
    for _ in range(2):
        net.gradient(x, t)
        for got, right in zip(grads, plain.gradient(x, t).values(), strict=True):
            check(got, xpnet.to_numpy(right), backend)
    Adam(0.1).update(net.params, net.gradient(x, t))
    assert same(params, lists_of(net)[0])
    assert same(grads, lists_of(net)[1])


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_training_changes_the_arrays_in_place(name):
    xpnet.use(name)
    net = small_net(name)
    params, grads = lists_of(net)
    before = [array.copy() for array in params]
    net.fit(X, LABELS, epochs=2, batch_size=5, verbose=False)
    assert same(params, lists_of(net)[0])
    assert same(grads, lists_of(net)[1])
    assert all((array != old).any() for array, old in zip(params, before, strict=True))


def test_a_net_that_moved_has_other_arrays(backend):
    net = small_net("numpy")
    _, grads = lists_of(net)
    net.gradient(X, LABELS)
    before = [array.copy() for array in grads]
    net.to(backend, dtype="float32")
    params, moved = lists_of(net)
    for array, gradient, value in zip(params, moved, before, strict=True):
        check(gradient, value, backend, "float32", rtol=1e-6, atol=1e-6)
        assert gradient.dtype == array.dtype
    net.gradient(backend.asarray(X, "float32"), backend.asarray(LABELS))
    assert same(moved, lists_of(net)[1])


def test_a_net_whose_lists_were_read_is_saved(tmp_path):
    net = small_net("numpy")
    params, _ = lists_of(net)
    net.gradient(X, LABELS)
    net.save(tmp_path / "net.safetensors")
    loaded = xpnet.load(tmp_path / "net.safetensors")
    for array, other in zip(params, lists_of(loaded)[0], strict=True):
        np.testing.assert_array_equal(array, other)


class Forgetful(Layer):
    W, dW = DataOf("W"), GradientOf("W")

    def __init__(self, W):
        super().__init__(W=W)

    def forward(self, x):
        self.x = x
        return x * self.W

    def backward(self, dout):
        return dout * self.W


def test_a_missing_gradient_is_still_missed_after_the_list_was_read():
    net = Sequential([Forgetful(B)])
    lists_of(net)
    assert net.layers["Forgetful1"].dW is None
    with pytest.raises(RuntimeError, match="left no gradient for its parameter 'W'"):
        net.gradient(H, LABELS)


def test_a_gradient_of_another_shape_does_not_broadcast_into_the_list(backend):
    layer = Forgetful(backend.asarray(B))
    layer.dW = backend.asarray(np.ones(4))
    (kept,) = layer.grads
    check(kept, np.ones(4), backend)
    with pytest.raises(ValueError, match=r"expected a gradient of its parameter's shape \(4,\), got \(1,\)"):
        layer.dW = backend.asarray(np.ones(1))


def test_a_gradient_in_the_list_takes_the_dtype_of_its_parameter(backend):
    layer = MatMul(backend.asarray(W, "float32"))
    (kept,) = layer.grads
    layer.dW = backend.asarray(np.ones((6, 4)), "float64")
    check(kept, np.ones((6, 4)), backend, "float32")
