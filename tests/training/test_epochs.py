"""Reports of an epoch: the mean loss of its samples, and loss and accuracy on validation data."""

import numpy as np
import pytest

import xpnet
from xpnet.layers import Affine, IdentityWithLoss, Relu, SigmoidWithLoss
from xpnet.nets import MultiLayerNet, Sequential, TwoLayerNet
from xpnet.optimizers import SGD

RNG = np.random.default_rng(0)
X = RNG.normal(size=(101, 6))
T = X[:, :3].argmax(axis=1)
STILL = {"optimizer": SGD(1e-12), "seed": 1, "verbose": False}


def regression(loss=None, outputs=1):
    rng = np.random.default_rng(1)
    W, V = rng.normal(0, 0.3, (6, 8)), rng.normal(0, 0.3, (8, outputs))
    return Sequential(
        [Affine(W, np.zeros(8)), Relu(), Affine(V, np.zeros(outputs))], loss or IdentityWithLoss()
    )


@pytest.mark.parametrize("engine", ["layers", "auto"])
@pytest.mark.parametrize("batch_size", [1, 7, 50, 100, 101, 500])
def test_the_loss_of_an_epoch_is_the_mean_over_its_samples(batch_size, engine, backend):
    net = TwoLayerNet(6, 5, 3, weight_init_std=1.0, seed=0, dtype="float64")
    history = net.fit(X, T, batch_size=batch_size, engine=engine, **STILL)
    assert history.epochs[0].loss == pytest.approx(float(net.loss(X, T)), rel=1e-9)


@pytest.mark.parametrize("loss", [IdentityWithLoss, SigmoidWithLoss])
def test_so_it_is_for_numbers(loss, backend):
    net, t = regression(loss()), (X[:, :1] > 0) * 1.0
    history = net.fit(X, t, batch_size=50, **STILL)
    assert history.epochs[0].loss == pytest.approx(float(net.loss(X, t)), rel=1e-5)


def test_weight_decay_is_part_of_both_losses(backend):
    net = MultiLayerNet(6, [5], 3, weight_decay_lambda=0.3, seed=0, dtype="float64")
    history = net.fit(X, T, batch_size=50, validation=(X, T), **STILL)
    epoch = history.epochs[0]
    assert epoch.loss == pytest.approx(float(net.loss(X, T)), rel=1e-9)
    assert epoch.test_loss == pytest.approx(epoch.loss, rel=1e-9)


def test_a_regression_has_a_validation_loss(backend):
    net, t = regression(), X[:, :1] * 2
    history = net.fit(X, t, epochs=3, validation=(X[:30], t[:30]), optimizer=SGD(0.01), seed=0, verbose=False)
    assert len(history.test_loss) == 3
    assert history.test_loss[-1] == pytest.approx(float(net.loss(X[:30], t[:30])), rel=1e-6)
    assert history.test_accuracy == []
    assert "test loss " in str(history.epochs[-1])


def test_a_classifier_has_both(backend, monkeypatch):
    monkeypatch.setattr("xpnet.nets._scores.CHUNK", 7)
    net = TwoLayerNet(6, 5, 3, seed=0)
    epoch = net.fit(X, T, validation=(X[:30], T[:30]), seed=0, verbose=False).epochs[0]
    assert epoch.test_loss == pytest.approx(float(net.loss(X[:30], T[:30])), rel=1e-6)
    assert epoch.test_accuracy == net.accuracy(X[:30], T[:30])


def test_without_validation_data_there_is_neither():
    history = TwoLayerNet(6, 5, 3, seed=0).fit(X, T, verbose=False)
    assert (history.test_loss, history.test_accuracy) == ([], [])


@pytest.mark.parametrize(
    ("validation", "error", "words"),
    [
        ((X[:, :2], X[:5, :1]), ValueError, r"validation: x is \(101, 2\) and t is \(5, 1\)"),
        ((X[:, :2], X[:, :1]), ValueError, "validation: Affine: x has 2 features"),
        ((X, X[:, :2]), ValueError, r"validation: IdentityWithLoss: x is \(101, 1\) but t is \(101, 2\)"),
        (("a", "b"), TypeError, "validation: x holds <U1; give an array of real numbers"),
        ((X, ["a"] * 101), TypeError, "validation: t holds <U1"),
        ((X, np.full((101, 1), np.nan)), ValueError, "validation: .* the targets t hold NaN"),
        (3, ValueError, r"validation must be a pair \(x, t\), got int"),
    ],
)
def test_validation_data_of_a_regression_are_checked_first(validation, error, words, backend):
    net = regression()
    before = xpnet.to_numpy(net.params["W1"]).copy()
    with pytest.raises(error, match=words):
        net.fit(X, X[:, :1], validation=validation, verbose=False)
    np.testing.assert_array_equal(xpnet.to_numpy(net.params["W1"]), before)


def test_an_accuracy_of_ones_own_is_the_one_reported():
    class Lenient(TwoLayerNet):
        def accuracy(self, x, t):
            return 1.0

    epoch = Lenient(6, 5, 3).fit(X, T, validation=(X, T), verbose=False).epochs[0]
    assert (epoch.train_accuracy, epoch.test_accuracy) == (1.0, 1.0)
