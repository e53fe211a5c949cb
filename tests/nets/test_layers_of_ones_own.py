"""What a net and `fit` say of a user's own layer that does not do what it must."""

import numpy as np
import pytest

import xpnet
from xpnet.layers import Affine, Layer, LossLayer, Relu
from xpnet.nets import Sequential
from xpnet.parameter import DataOf, GradientOf

X, T = np.random.default_rng(0).normal(size=(9, 6)).astype("float32"), np.arange(9) % 3


class Scale(Layer):
    """x g."""

    g, dg = DataOf("g"), GradientOf("g")

    def __init__(self, g):
        super().__init__(g=g)

    def forward(self, x):
        self.x = x
        return x * self.g

    def backward(self, dout):
        self.dg = (dout * self.x).sum(axis=0)
        return dout * self.g


class NoGradient(Scale):
    def backward(self, dout):
        return dout * self.g


class BooksScale(Scale):
    """As the book would write it: nothing is registered."""

    g = dg = None

    def __init__(self, g):
        Layer.__init__(self)
        self.g = g


class Nothing(Layer):
    pass


class NoForward(Scale):
    def forward(self, x):
        super().forward(x)


class NoBackward(Scale):
    def backward(self, dout):
        super().backward(dout)


def net_with(layer, affine_first=True):
    affine = Affine(np.eye(6, 3), np.zeros(3))
    return Sequential([affine, layer] if affine_first else [layer, affine])


CALLS = {
    "gradient": lambda net: net.gradient(X, T),
    "gradient_check": lambda net: xpnet.gradient_check(net, X, T),
    "fit": lambda net: net.fit(X, T, verbose=False),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_a_parameter_without_a_gradient_is_named(call, decay):
    net = net_with(NoGradient(np.ones(3)))
    net.weight_decay_lambda = decay
    with pytest.raises(
        RuntimeError, match=r"layer 'NoGradient1': NoGradient\.backward left no .* 'g'; .*self\.dg"
    ):
        CALLS[call](net)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (NoForward, r"NoForward\.forward returned None; it must return the output\nin .* layer 'NoForward1'"),
        (NoBackward, r"NoBackward\.backward returned None; .*\nin backward of layer 'NoBackward1'"),
    ],
)
def test_a_layer_that_returns_nothing_is_named(layer, message, call):
    with pytest.raises(TypeError, match=message):
        CALLS[call](net_with(layer(np.ones(3))))


def test_nobody_needs_what_the_first_layers_backward_returns():
    assert net_with(NoBackward(np.ones(6)), affine_first=False).gradient(X, T)["g1"].shape == (6,)


class Shifted(Scale):
    """Returns a column too many, of the output and of the gradient."""

    def forward(self, x):
        return np.pad(super().forward(x), ((0, 0), (0, 1)))

    def backward(self, dout):
        super().backward(dout[:, :-1])
        return dout


class Transposed(Layer):
    """x W, with the gradient of W transposed."""

    W, dW = DataOf("W"), GradientOf("W")

    def __init__(self, W):
        super().__init__(W=W)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.dW = dout.T @ self.x


@pytest.mark.parametrize("call", CALLS)
def test_the_layer_that_cannot_take_its_input_is_named(call):
    affines = [Affine(np.eye(d, h), np.zeros(h)) for d, h in ((6, 4), (5, 3))]
    with pytest.raises(ValueError, match="x has 4 features but W is .*\nin forward of layer 'Affine2'"):
        CALLS[call](Sequential([affines[0], Relu(), affines[1], Relu()]))


def test_the_layer_that_cannot_take_its_gradient_is_named():
    net = Sequential([Scale(np.ones(6)), Affine(np.eye(6, 3), np.zeros(3)), Shifted(np.ones(3))])
    with pytest.raises(ValueError, match=r"dout is \(9, 4\) but .*\nin backward of layer 'Affine1'"):
        net.gradient(X, T)


def test_a_gradient_that_weight_decay_cannot_take_is_named():
    net = Sequential([Transposed(np.ones((6, 3)))], weight_decay_lambda=0.1)
    with pytest.raises(ValueError, match=r"dW is \(3, 6\) but W is \(6, 3\).*\nin weight decay .* 'W1'"):
        net.gradient(X, T)


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_a_layer_without_its_methods_says_which(method):
    with pytest.raises(
        NotImplementedError, match=rf"Nothing has no {method}; define Nothing\.{method}\(self, "
    ):
        getattr(Nothing(), method)(X)


def test_a_loss_without_forward():
    with pytest.raises(NotImplementedError, match=r"define LossLayer\.forward\(self, x, t, validate=True\)"):
        LossLayer().forward(X, T)


@pytest.mark.parametrize("affine_first", [True, False])
def test_fit_refuses_a_weight_that_no_step_would_train(affine_first):
    layer = BooksScale(np.ones(3 if affine_first else 6, "float32"))
    net = net_with(layer, affine_first)
    before = net.params["W1"].copy()
    with pytest.raises(
        TypeError, match=r"layer 'BooksScale1'.*self\.g and self\.dg.*super\(\)\.__init__\(g=g\).*DataOf"
    ):
        net.fit(X, T, verbose=False)
    np.testing.assert_array_equal(net.params["W1"], before)


class KeepsWhatPasses(Layer):
    """Remembers its output and both gradients, and has a table that none is kept of."""

    def __init__(self):
        super().__init__()
        self.table = np.ones(6, "float32")

    def forward(self, x):
        self.x, self.out = x, x * self.table
        return self.out

    def backward(self, dout):
        self.dout, self.dx = dout, dout * self.table
        return self.dx


class TrainsItself(BooksScale):
    def backward(self, dout):
        dx = super().backward(dout)
        self.g -= np.float32(0.1) * self.dg
        return dx


@pytest.mark.parametrize(
    "layer", [KeepsWhatPasses(), TrainsItself(np.ones(6, "float32")), Scale(np.ones(6))], ids=repr
)
def test_what_is_no_forgotten_weight_raises_no_alarm(layer):
    net = net_with(layer, affine_first=False)
    for _ in range(2):  # the second time, forward's and backward's arrays are there before
        net.gradient(X, T)
        net.fit(X, T, epochs=2, batch_size=9, verbose=False)
