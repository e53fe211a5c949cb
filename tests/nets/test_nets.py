import numpy as np
import pytest
from stand_ins import check

import xpnet
from xpnet.layers import Affine, IdentityWithLoss, Relu, SigmoidWithLoss, SoftmaxWithLoss, Tanh
from xpnet.nets import MultiLayerNet, Sequential, TwoLayerNet

RNG = np.random.default_rng(6)
X, T = RNG.normal(size=(9, 6)), RNG.integers(0, 3, 9)


def by_hand(params, x, t):
    """The two-layer net in float64 NumPy: logits, loss, gradients."""
    W1, b1, W2, b2 = (xpnet.to_numpy(params[name]).astype("float64") for name in ("W1", "b1", "W2", "b2"))
    a1 = x @ W1 + b1
    z1 = np.maximum(a1, 0)
    logits = z1 @ W2 + b2
    y = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    d2 = (y - np.eye(y.shape[1])[t]) / len(t)
    d1 = (d2 @ W2.T) * (a1 > 0)
    loss = -np.log(y[range(len(t)), t]).mean()
    return logits, loss, {"W1": x.T @ d1, "b1": d1.sum(0), "W2": z1.T @ d2, "b2": d2.sum(0)}


def test_the_books_two_layer_net():
    net = TwoLayerNet(6, 4, 3)
    assert list(net.layers) == ["Affine1", "Relu1", "Affine2"]
    assert isinstance(net.lastLayer, SoftmaxWithLoss)
    assert list(net.params) == ["W1", "b1", "W2", "b2"]
    assert net.params["W1"].shape == (6, 4)
    assert net.params["W1"].dtype == np.float32


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predict_loss_gradient_and_accuracy(dtype, backend):
    net = TwoLayerNet(6, 4, 3, weight_init_std=1.0, seed=1, dtype=dtype)
    logits, loss, grads = by_hand(net.params, X, T)
    tolerance = {"rtol": 2e-5, "atol": 2e-6} if dtype == "float32" else {}
    check(net.predict(X), logits, backend, dtype, **tolerance)
    check(net.loss(X, T), loss, backend, dtype, **tolerance)
    actual = net.gradient(X, T)
    assert list(actual) == list(net.params)
    for name, expected in grads.items():
        check(actual[name], expected, backend, dtype, **tolerance)
    assert net.accuracy(X, T) == (logits.argmax(axis=1) == T).mean()
    assert net.accuracy(X, np.eye(3)[T]) == net.accuracy(X, T)


def test_one_hot_and_indices_give_the_same(backend):
    net = TwoLayerNet(6, 4, 3, seed=1, dtype="float64")
    check(net.loss(X, np.eye(3)[T]), float(net.loss(X, T)), backend)


def test_numerical_gradient_is_the_gradient(backend):
    net = TwoLayerNet(3, 2, 3, weight_init_std=1.0, seed=1, dtype="float64")
    numerical = net.numerical_gradient(X[:, :3], T)
    for name, grad in net.gradient(X[:, :3], T).items():
        check(numerical[name], xpnet.to_numpy(grad), backend, rtol=0, atol=1e-7)


def test_images_of_any_shape_and_uint8_pixels(backend):
    pixels = RNG.integers(0, 256, (5, 1, 2, 3)).astype(np.uint8)
    net = TwoLayerNet(6, 4, 3, seed=1)
    expected = by_hand(net.params, pixels.reshape(5, 6) / 255, T[:5])[0]
    check(net.predict(pixels), expected, backend, "float32", rtol=1e-4, atol=1e-6)
    check(net.predict(pixels.reshape(5, 6)), expected, backend, "float32", rtol=1e-4, atol=1e-6)


def test_a_single_sample(backend):
    net = TwoLayerNet(6, 4, 3, seed=1)
    check(net.predict(X[0]), xpnet.to_numpy(net.predict(X))[0], backend, "float32", rtol=1e-5, atol=1e-7)
    assert net.loss(X[0], 2).shape == ()


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("hidden", [[], [5], [5, 4, 3]])
def test_multi_layer_net_of_any_depth_and_activation(activation, hidden, backend):
    net = MultiLayerNet(6, hidden, 3, activation=activation, weight_decay_lambda=0.1, seed=2)
    assert len(net.params) == 2 * len(hidden) + 2
    report = xpnet.gradient_check(net, X, T)
    assert report.passed, str(report)


def test_weight_decay_is_part_of_loss_and_gradient(backend):
    plain = MultiLayerNet(6, [4], 3, seed=2, dtype="float64")
    decaying = MultiLayerNet(6, [4], 3, weight_decay_lambda=0.5, seed=2, dtype="float64")
    W1, W2 = (xpnet.to_numpy(plain.params[name]) for name in ("W1", "W2"))
    penalty = 0.25 * ((W1**2).sum() + (W2**2).sum())
    check(decaying.loss(X, T), float(plain.loss(X, T)) + penalty, backend)
    without, grads = plain.gradient(X, T), decaying.gradient(X, T)
    check(grads["W1"], xpnet.to_numpy(without["W1"]) + 0.5 * W1, backend)
    check(grads["b1"], xpnet.to_numpy(without["b1"]), backend)


@pytest.mark.parametrize(
    ("rule", "scale"), [("relu", 2), ("he", 2), ("sigmoid", 1), ("xavier", 1), (0.01, None)]
)
def test_the_spread_of_initial_weights(rule, scale):
    net = MultiLayerNet(400, [300], 10, weight_init_std=rule, seed=0)
    for name, inputs in (("W1", 400), ("W2", 300)):
        expected = rule if scale is None else np.sqrt(scale / inputs)
        assert net.params[name].std() == pytest.approx(expected, rel=0.05)
        assert not net.params["b1"].any()


def test_a_seed_gives_the_same_bits_on_every_backend(backend):
    with xpnet.using("numpy"):
        expected = TwoLayerNet(30, 20, 10, seed=7)
    net = TwoLayerNet(30, 20, 10, seed=7)
    for name, array in net.params.items():
        assert xpnet.to_numpy(array).tobytes() == expected.params[name].tobytes()
    assert TwoLayerNet(30, 20, 10, seed=8).params["W1"][0, 0] != net.params["W1"][0, 0]


def test_the_process_wide_seed_draws_weights():
    xpnet.seed(3)
    first = TwoLayerNet(5, 4, 3)
    xpnet.seed(3)
    again = TwoLayerNet(5, 4, 3)
    np.testing.assert_array_equal(first.params["W1"], again.params["W1"])


def test_a_wrong_number_of_features_names_the_layer():
    with pytest.raises(ValueError, match=r"Affine: x has 5 features but W is \(6, 4\)"):
        TwoLayerNet(6, 4, 3).predict(X[:, :5])


def test_accuracy_of_a_regression_and_of_unequal_lengths():
    net = Sequential([Affine(np.ones((6, 1)), np.zeros(1))], loss=IdentityWithLoss())
    with pytest.raises(TypeError, match="IdentityWithLoss is a regression loss: accuracy is undefined"):
        net.accuracy(X, np.zeros((9, 1)))
    with pytest.raises(ValueError, match=r"x is \(9, 6\) and t is \(8,\)"):
        TwoLayerNet(6, 4, 3).accuracy(X, T[:8])


def test_accuracy_of_a_binary_classifier():
    net = Sequential([Affine(np.eye(6)[:, :1], np.zeros(1))], loss=SigmoidWithLoss())
    t = (X[:, :1] > 0).astype(float)
    assert net.accuracy(X, t) == 1.0
    assert net.accuracy(X, 1 - t) == 0.0
    with pytest.raises(ValueError, match=r"SigmoidWithLoss: x is \(9, 1\) but t is \(9,\)"):
        net.accuracy(X, t[:, 0])


def test_a_sample_of_several_answers_is_right_if_all_are():
    net = Sequential([Affine(np.eye(6)[:, :3], np.zeros(3))], loss=SigmoidWithLoss())
    t = (X[:, :3] > 0).astype(float)
    assert net.accuracy(X, t) == 1.0
    t[2:5, 1] = 1 - t[2:5, 1]
    assert net.accuracy(X, t) == pytest.approx(6 / 9)


def test_accuracy_in_chunks_counts_every_sample(monkeypatch):
    monkeypatch.setattr("xpnet.nets._scores.CHUNK", 4)
    net = TwoLayerNet(6, 4, 3, weight_init_std=1.0, seed=1)
    assert net.accuracy(X, T) == (net.predict(X).argmax(axis=1) == T).mean()


def test_layers_may_be_named_and_replaced():
    net = Sequential({"in": Affine(np.ones((6, 4)), np.zeros(4)), "act": Relu()})
    before = net.predict(X)
    net.layers["act"] = Tanh()
    np.testing.assert_allclose(net.predict(X), np.tanh(X.sum(axis=1, keepdims=True)) * np.ones(4), atol=1e-6)
    assert (net.predict(X) != before).any()
    assert "act: Tanh()" in repr(net)


def test_a_copy_shares_nothing(backend):
    net = TwoLayerNet(6, 4, 3, seed=1)
    twin = net.copy()
    twin.params["W1"] = np.zeros((6, 4))
    assert float(abs(xpnet.to_numpy(net.params["W1"])).sum()) > 0
    assert twin.copy(dtype="float64").params["W1"].dtype != net.params["W1"].dtype


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([Relu], "it must be a Layer .*given as an instance"),
        ([Affine(np.eye(6), np.zeros(6)), SoftmaxWithLoss()], "and the loss apart"),
        ([object()], "derive yours from xpnet.layers.Layer"),
    ],
)
def test_what_is_no_layer(layers, message):
    with pytest.raises(TypeError, match=message):
        Sequential(layers)


def test_a_layer_stands_once_and_arrays_are_the_nets_own():
    layer = Affine(np.eye(6), np.zeros(6))
    with pytest.raises(ValueError, match="one layer stands twice"):
        Sequential([layer, Relu(), layer])
    W, b = np.eye(6, dtype="float32"), np.zeros(6, dtype="float32")
    b.flags.writeable = False
    net = Sequential([Affine(W, b), Relu(), Affine(W, b)])
    net.fit(X, T, verbose=False)
    np.testing.assert_array_equal(W, np.eye(6))
    assert not np.shares_memory(net.params["b1"], net.params["b2"])


def test_two_threads_predict_with_one_net():
    from concurrent.futures import ThreadPoolExecutor

    net = TwoLayerNet(6, 4, 3, weight_init_std=1.0, seed=1)
    batch, single = net.predict(np.tile(X, (50, 1))), net.predict(X[0])
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(net.predict, x) for x in [np.tile(X, (50, 1)), X[0]] * 100]
    for job, expected in zip(jobs, [batch, single] * 100, strict=True):
        np.testing.assert_array_equal(job.result(), expected)


def test_a_net_can_be_pickled():
    import pickle

    net = TwoLayerNet(6, 4, 3, seed=1).to("numpy")
    net.fit(X, T, optimizer="adam", verbose=False)
    twin = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(twin.predict(X), net.predict(X))
    twin.fit(X, T, optimizer="adam", verbose=False)


def test_uint8_is_pixels_in_any_wrapping_and_matrices_are_arrays():
    pixels = RNG.integers(0, 256, (5, 6)).astype(np.uint8)
    net = TwoLayerNet(6, 4, 3, seed=1)
    expected = net.predict(pixels)
    np.testing.assert_array_equal(net.predict(list(pixels)), expected)
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix(X)
    assert net.accuracy(matrix, T) == net.accuracy(X, T)
    assert type(net.predict(matrix)) is np.ndarray
    with pytest.raises(TypeError, match="masked arrays are not accepted"):
        net.predict(np.ma.masked_greater(X, 1))
