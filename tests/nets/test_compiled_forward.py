"""`predict`, `loss` and `accuracy` in compiled code: what the layers give, and never a net of before."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import xpnet
from xpnet.layers import Affine, IdentityWithLoss, Relu, Sigmoid, Tanh
from xpnet.nets import MultiLayerNet, Sequential, TwoLayerNet
from xpnet.parameter import Parameter

RNG = np.random.default_rng(8)
X, T = RNG.normal(size=(9, 6)).astype("float32"), RNG.integers(0, 3, 9)


@pytest.fixture(autouse=True)
def _numba():
    with xpnet.using("numba"):
        yield


def made(**options):
    return TwoLayerNet(6, 4, 3, weight_init_std=1.0, seed=1, **options)


def by_layers(net, x):
    """The logits by the layers, one after the other, in float64 on the reference."""
    twin = net.copy(dtype="float64").to("numpy")
    return twin.forward(twin.input(x), training=False)


def is_compiled(net, x=X):
    """Whether `predict` leaves the layers alone."""
    net.forward(net.input(x), training=False)
    net.predict(x)
    return "x" not in vars(next(iter(net.layers.values())))


def agrees(net, x=X):
    """Whether `predict` is compiled and gives what the layers give now, one sample and many."""
    tolerance = 1e-5 if net.dtype == np.float32 else 1e-12
    assert is_compiled(net, x)
    for batch in (x, x[:1]):
        expected = by_layers(net, batch)
        y = net.predict(batch)
        assert y.dtype == net.dtype
        assert y.shape == expected.shape
        if not np.allclose(y, expected, rtol=tolerance, atol=tolerance):
            return False
    return True


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("hidden", [[], [50], [130, 70]])
def test_the_same_as_the_layers(dtype, activation, hidden):
    net = MultiLayerNet(6, hidden, 3, activation=activation, seed=2, dtype=dtype)
    for rows in (1, 9, 700):
        assert agrees(net, RNG.normal(size=(rows, 6)))


FORMS = {
    "float64": X.astype("float64"),
    "float16": X.astype("float16"),
    "integers": np.arange(54).reshape(9, 6),
    "another byte order": X.astype(">f4"),
    "list": X.tolist(),
    "Fortran order": np.asfortranarray(X),
    "every second": np.repeat(X, 2, axis=0)[::2],
    "backwards": X[:, ::-1],
    "images": X.reshape(9, 2, 3),
    "pixels": RNG.integers(0, 256, (9, 6)).astype("uint8"),
    "one sample": X[0],
    "one sample's pixels": np.arange(6, dtype="uint8"),
    "unaligned": np.frombuffer(b"." + X.tobytes(), dtype="u1")[1:].view("float32").reshape(9, 6),
    "read-only": np.frombuffer(X.tobytes(), dtype="float32").reshape(9, 6),
}


@pytest.mark.parametrize("form", FORMS)
def test_inputs_of_every_form(form):
    net, x = made(), FORMS[form]
    before = copy.deepcopy(x)
    y, expected = net.predict(x), by_layers(net, x)
    assert y.shape == expected.shape
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(x, before)
    assert is_compiled(net, x)


def test_no_form_of_input_has_code_of_its_own():
    from xpnet_kernels.mlp_forward import rows

    net = made()
    for form in FORMS.values():
        net.predict(form)
    arrays = [array for signature in rows.forward_rows.signatures for array in signature]
    assert all(array.layout == "C" and array.mutable and array.aligned for array in arrays)


def test_no_samples_and_wrong_features_are_as_by_the_layers():
    net = made()
    net.predict(X)
    assert net.predict(X[:0]).shape == (0, 3)
    with pytest.raises(ValueError, match=r"Affine: x has 5 features but W is \(6, 4\); x.shape\[1\]"):
        net.predict(X[:, :5])
    with pytest.raises(ValueError, match=r"Affine: x has 5 features .*; x.size must equal"):
        net.predict(X[0, :5])
    wrong = Sequential([Affine(np.eye(6), np.zeros(6)), Relu(), Affine(np.eye(5), np.zeros(5))])
    with pytest.raises(ValueError, match=r"Affine: x has 6 features but W is \(5, 5\)"):
        wrong.predict(X)


def assign_by_name(net):
    net.params["W1"] = RNG.normal(size=(6, 4))


def assign_to_the_layer(net):
    net.layers["Affine2"].b = [1.0, 2.0, 3.0]


def change_in_place(net):
    net.params["W2"] -= 0.5


def change_an_element(net):
    net.layers["Affine1"].W[2, 3] = 7.0


def put_in_another_cell(net):
    net.layers["Affine1"].parameters["W"] = Parameter(RNG.normal(size=(6, 4)).astype(net.dtype))


def replace_the_data(net):
    net.params.cells["b1"].data = np.ones(4, net.dtype)


def replace_a_layer(net):
    net.layers["Affine2"] = Affine(np.eye(4, dtype=net.dtype), np.zeros(4, net.dtype))


def replace_the_activation(net):
    net.layers["Relu1"] = Tanh()


def replace_all_layers(net):
    other = MultiLayerNet(6, [5], 2, activation="sigmoid", weight_init_std=1.0, dtype=net.dtype)
    net.layers = other.layers


def add_layers(net):
    net.layers |= {"more": Sigmoid(), "last": Affine(np.ones((3, 2), net.dtype), np.zeros(2, net.dtype))}


def take_layers_away(net):
    del net.layers["Relu1"], net.layers["Affine2"]


def train(net):
    net.fit(X, T, epochs=2, batch_size=4, optimizer="adam", verbose=False)


def change_the_dtype(net):
    net.to(dtype="float64")


CHANGES = [
    assign_by_name, assign_to_the_layer, change_in_place, change_an_element, put_in_another_cell,
    replace_the_data, replace_a_layer, replace_the_activation, replace_all_layers, add_layers,
    take_layers_away, train, change_the_dtype,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_it_follows_the_net(change):
    net = made()
    before = net.predict(X)
    change(net)
    after = net.predict(X)
    assert agrees(net)
    assert after.shape != before.shape or abs(after - before).max() > 1e-9


def test_matrices_in_another_order_are_followed_too():
    net = Sequential([Affine(np.asfortranarray(RNG.normal(size=(6, 4))), np.zeros(4))])
    assert not net.params["W1"].flags.c_contiguous
    assert agrees(net)
    change_in_place = net.params["W1"]
    change_in_place += 1
    assert agrees(net)


def other_layer(net):
    net.layers["Relu1"] = type("MyRelu", (Relu,), {})()


def other_forward(net):
    net.layers["Relu1"].forward = lambda x: 2 * x


def other_backend(net):
    net.to("numpy")


def other_dtype_inside(net):
    net.params.cells["b1"].data = np.zeros(4)


@pytest.mark.parametrize(
    "change", [other_layer, other_forward, other_backend, other_dtype_inside], ids=lambda c: c.__name__
)
def test_what_goes_layer_by_layer_from_then_on(change):
    net = made()
    assert is_compiled(net)
    change(net)
    assert not is_compiled(net)


def test_the_switch_holds_at_once():
    net = made()
    assert is_compiled(net)
    with xpnet.using("numpy"):
        assert not is_compiled(net)
    assert is_compiled(net)
    with xpnet.using("numpy"):
        assert is_compiled(net.to("numba"))


def test_a_net_with_a_step_of_the_books_counts_on_what_the_layers_remember():
    class BookNet(TwoLayerNet):
        def gradient(self, x, t):
            self.lastLayer.forward(self.predict(x), t)
            dout = self.lastLayer.backward()
            for layer in reversed(self.layers.values()):
                dout = layer.backward(dout)
            return {name: cell.grad for name, cell in self.params.cells.items()}

    ours, books = made(), BookNet(6, 4, 3, weight_init_std=1.0, seed=1)
    expected = ours.gradient(X, T)
    for name, gradient in books.gradient(X, T).items():
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-6)


def test_a_backward_of_the_layers_does_not_take_an_older_pass_for_this_one():
    net = made()
    net.gradient(X, T)
    net.predict(X[:3])
    dout = np.ones((3, 3), "float32")
    with pytest.raises(RuntimeError, match="Affine.backward needs what forward remembers"):
        net.layers["Affine2"].backward(dout)
    net.loss(X[:3], T[:3], training=True)
    assert net.layers["Affine2"].backward(dout).shape == (3, 4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_loss_and_accuracy(dtype):
    net = made(dtype=dtype)
    net.weight_decay_lambda = 0.1
    twin = net.copy(dtype="float64").to("numpy")
    x, t = RNG.normal(size=(800, 6)), RNG.integers(0, 3, 800)
    assert net.loss(x, t).dtype == dtype
    assert float(net.loss(x, t)) == pytest.approx(float(twin.loss(x, t)), rel=1e-5)
    assert net.accuracy(x, t) == twin.accuracy(x, t)
    net.gradient(X, T)
    net.loss(X, T)
    net.accuracy(X, T)
    assert "x" not in vars(net.layers["Affine1"])


def test_any_loss_may_come_last():
    net = Sequential([Affine(np.ones((6, 2)), np.zeros(2))], loss=IdentityWithLoss())
    target = np.zeros((9, 2))
    assert float(net.loss(X, target)) == pytest.approx(float(net.loss(X, target, training=True)), rel=1e-6)
    assert agrees(net)


@pytest.mark.parametrize("twin_of", [copy.copy, copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_twin_has_a_way_of_its_own(twin_of):
    net = made()
    expected = net.predict(X)
    twin = twin_of(net)
    twin.layers = {"only": Affine(np.ones((6, 4), "float32"), np.zeros(4, "float32"))}
    assert agrees(twin)
    np.testing.assert_array_equal(net.predict(X), expected)
    second = copy.deepcopy(net)
    second.params["W1"] *= 0
    assert agrees(second)
    np.testing.assert_array_equal(net.predict(X), expected)


def test_threads_predict_while_another_changes_the_net():
    net, one, two = made(), *(RNG.normal(size=(6, 4)).astype("float32") for _ in range(2))
    expected = []
    for W in (one, two):
        net.params["W1"] = W
        expected.append(net.predict(X))

    def predict(_):
        return min(abs(net.predict(X) - logits).max() for logits in expected)

    with ThreadPoolExecutor(3) as pool:
        jobs = pool.map(predict, range(600))
        for _ in range(300):
            net.params["W1"] = one
            net.params["W1"] = two
        assert max(jobs) == 0
