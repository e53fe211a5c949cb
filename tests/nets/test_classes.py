"""Labels that are text: their names in `classes_`, and indices in the net."""

import copy
import pickle

import numpy as np
import pytest

import xpnet
from xpnet.layers import Affine, IdentityWithLoss
from xpnet.nets import Sequential, TwoLayerNet

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 6))
NAMES = np.array(["cat", "dog", "emu"])
T = RNG.integers(0, 3, 60)
TEXT = NAMES[T]


class Categorical:
    """What pandas' categories and its string columns give NumPy: an object array."""

    def __init__(self, labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.labels, dtype=object)


FORMS = {
    "array": TEXT,
    "objects": TEXT.astype(object),
    "list": TEXT.tolist(),
    "bytes": TEXT.astype("S"),
    "variable width": TEXT.astype(np.dtypes.StringDType()),
    "categories": Categorical(TEXT),
}


def made(outputs=3):
    return TwoLayerNet(6, 5, outputs, weight_init_std=0.5, seed=1)


@pytest.mark.parametrize("engine", ["layers", "auto"])
@pytest.mark.parametrize("t", FORMS.values(), ids=FORMS)
def test_text_trains_as_its_indices(t, engine, backend):
    options = {"batch_size": 20, "seed": 0, "engine": engine, "verbose": False}
    net, expected = made(), made()
    history = net.fit(X, t, validation=(X[:9], np.asarray(t)[:9]), **options)
    wanted = expected.fit(X, T, validation=(X[:9], T[:9]), **options)
    assert history.loss == wanted.loss
    assert history.test_accuracy == wanted.test_accuracy
    assert net.classes_.tolist() == ["cat", "dog", "emu"]
    assert expected.classes_ is None
    assert net.accuracy(X, t) == net.accuracy(X, T) == expected.accuracy(X, T)
    assert float(net.loss(X, t)) == float(expected.loss(X, T))
    gradients, by_indices = net.gradient(X, t), expected.gradient(X, T)
    np.testing.assert_array_equal(xpnet.to_numpy(gradients["W1"]), xpnet.to_numpy(by_indices["W1"]))
    predicted = net.classes_[xpnet.to_numpy(net.predict(X)).argmax(axis=1)]
    assert np.mean(predicted == TEXT) == net.accuracy(X, T)


def test_fewer_names_than_outputs_are_said(capsys):
    made(5).fit(X, TEXT)
    assert "the labels name 3 of the net's 5 classes: 'cat', 'dog', 'emu'" in capsys.readouterr().err


def test_digits_as_text_are_their_own_order():
    digits = np.arange(60) % 10
    net = made(10)
    net.fit(X, digits.astype(str).astype(object), verbose=False)
    assert net.classes_.tolist() == list("0123456789")
    assert net.accuracy(X, digits) == net.accuracy(X, digits.astype(str))


def test_an_order_given_by_hand_and_copies(backend):
    net = made()
    net.classes_ = ["emu", "dog", "cat"]
    net.fit(X, TEXT, verbose=False, seed=0)
    assert net.classes_.tolist() == ["emu", "dog", "cat"]
    assert net.accuracy(X, TEXT) == net.accuracy(X, 2 - T)
    for twin in (net.copy(), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert twin.classes_.tolist() == ["emu", "dog", "cat"]
    net.classes_ = None
    assert net.classes_ is None


@pytest.mark.parametrize("names", [["a", "a"], [["a"]], [1, 2], "a", 3])
def test_what_is_not_a_list_of_names(names):
    with pytest.raises(ValueError, match=r"classes_ is .*; it must be a list of different names"):
        made().classes_ = names


def test_what_is_wrong_with_labels_is_said(backend):
    net = made()
    with pytest.raises(ValueError, match="t holds text, and the net has no classes_ yet; call fit with all"):
        net.accuracy(X, TEXT)
    net.fit(X, TEXT, verbose=False)
    with pytest.raises(
        ValueError, match="t holds 'yak', which is not a class of the net; its classes_ are 'cat'"
    ):
        net.accuracy(X, np.where(T == 1, "yak", TEXT))
    with pytest.raises(ValueError, match=r"t\[3\] is None, and other labels are text"):
        net.fit(X, [*TEXT[:3], None, *TEXT[4:]], verbose=False)
    with pytest.raises(ValueError, match=r"t\[0\] is 7, and other labels are text"):
        net.fit(X, np.array([7, *TEXT[1:]], dtype=object), verbose=False)


def test_more_names_than_outputs_leave_the_net_without_any(backend):
    net = made()
    with pytest.raises(
        ValueError, match="t holds 4 classes, 'a', 'b', 'c', 'd', but the net has 3 outputs; make a"
    ):
        net.fit(X, [*"abcd", *"a" * 56], verbose=False)
    assert net.classes_ is None


def test_a_regression_takes_no_text():
    net = Sequential([Affine(np.zeros((6, 1)), np.zeros(1))], loss=IdentityWithLoss())
    with pytest.raises(TypeError, match="t holds <U3; give an array of real numbers"):
        net.fit(X, TEXT[:, None], verbose=False)


def test_booleans_are_two_classes(backend):
    net, expected = made(2), made(2)
    assert (
        net.fit(X, T == 1, seed=0, verbose=False).loss
        == expected.fit(X, (T == 1) * 1, seed=0, verbose=False).loss
    )
    assert net.accuracy(X, T == 1) == net.accuracy(X, (T == 1) * 1)
