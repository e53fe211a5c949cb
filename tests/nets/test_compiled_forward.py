"""`predict`, `loss` and `accuracy` in compiled code: what the layers give, and never a net of before."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from compiled_forward import RNG, T, X, agrees, by_layers, is_compiled, made

import xpnet
from xpnet.layers import Affine, IdentityWithLoss, Relu
from xpnet.nets import MultiLayerNet, Sequential, TwoLayerNet
from xpnet_kernels.mlp_forward import blocks


@pytest.fixture(autouse=True)
def _numba():
    with xpnet.using("numba"):
        yield


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
    "one sample's pixels": np.arange(0, 256, 51, dtype="uint8"),
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


def test_large_batches_share_buffers_and_see_new_weights(monkeypatch):
    made_for, make = [], blocks.make_net

    def noted(*args, **more):
        made_for.append(args)
        return make(*args, **more)

    monkeypatch.setattr(blocks, "make_net", noted)
    net = MultiLayerNet(6, [130, 70], 3, seed=2)
    for rows in (700, 800, 600):
        net.params["W1"][0] += 1
        assert agrees(net, RNG.normal(size=(rows, 6)))
    assert len(made_for) == 1
    batches = [RNG.normal(size=(700, 6)) for _ in range(40)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(net.predict, batches))
    for y, x in zip(found, batches, strict=True):
        np.testing.assert_array_equal(y, net.predict(x))


def test_the_books_loop_over_the_layers_after_a_loss():
    net = made()
    net.loss(X, T)
    dout = net.lastLayer.backward(1)
    with pytest.raises(RuntimeError, match=r"call net\.loss\(x, t, training=True\)"):
        net.layers["Affine2"].backward(dout)
    net.loss(X, T, training=True)
    dout = net.lastLayer.backward(1)
    for layer in reversed(net.layers.values()):
        dout = layer.backward(dout)
    got = {name: cell.grad for name, cell in net.params.cells.items()}
    for name, gradient in net.gradient(X, T).items():
        np.testing.assert_allclose(got[name], gradient, rtol=1e-6)


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
