"""What a net says of wrong arguments and of inputs that it cannot take."""

import numpy as np
import pytest

import xpnet
from xpnet.nets import MultiLayerNet, Sequential, TwoLayerNet

RNG = np.random.default_rng(6)
X, T = RNG.normal(size=(9, 6)), RNG.integers(0, 3, 9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TwoLayerNet(0, 4, 3), r"TwoLayerNet: sizes are \[0, 4, 3\]"),
        (lambda: MultiLayerNet(6, [4, -1], 3), "whole number above 0"),
        (
            lambda: MultiLayerNet(6, [4], 3, activation="swish"),
            r"unknown activation 'swish'; choose one of relu",
        ),
        (
            lambda: MultiLayerNet(6, [4], 3, weight_init_std="big"),
            r"'big'; it must be a number or one of relu, he",
        ),
        (lambda: TwoLayerNet(6, 4, 3, dtype="float16"), "float32 or float64, got float16"),
        (lambda: TwoLayerNet(6, 4, 3, dtype="foo"), "float32 or float64, got 'foo'"),
        (lambda: TwoLayerNet(6, 4, 3, seed="a"), "seed is 'a'; it must be a whole number of at least 0"),
        (lambda: TwoLayerNet(6, 4, 3, seed=-1), "seed is -1; it must"),
        (lambda: TwoLayerNet(6, 4, 3, seed=1.5), r"seed is 1\.5; it must"),
        (lambda: xpnet.seed("a"), "seed is 'a'; it must"),
        (lambda: TwoLayerNet(6, 4, 3).fit(X, T, seed=-1, verbose=False), "seed is -1; it must"),
        (
            lambda: TwoLayerNet(6, 4, 3, weight_init_std=-0.1),
            r"weight_init_std is -0\.1; it must be a finite",
        ),
        (lambda: TwoLayerNet(6, 4, 3, weight_init_std=np.nan), "weight_init_std is nan"),
        (lambda: TwoLayerNet(6, 4, 3, weight_init_std=None), "weight_init_std is None"),
        (
            lambda: MultiLayerNet(6, [], 3, weight_decay_lambda=-1),
            "MultiLayerNet: weight_decay_lambda is -1; it must",
        ),
        (lambda: MultiLayerNet(6, [], 3, weight_decay_lambda=np.nan), "weight_decay_lambda is nan"),
        (lambda: MultiLayerNet(6, [], 3, weight_decay_lambda="a"), "weight_decay_lambda is 'a'"),
        (lambda: Sequential([]), "the net has no layers; give at least one"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "x", [None, {"a": 1}, iter([1.0]), X + 1j, X.astype(str)], ids=lambda x: type(x).__name__
)
def test_what_holds_no_real_numbers_is_refused_everywhere(x, backend):
    net = TwoLayerNet(6, 4, 3)
    for call in (
        net.predict,
        lambda x: net.loss(x, T),
        lambda x: net.gradient(x, T),
        lambda x: net.accuracy(x, T),
    ):
        with pytest.raises(TypeError, match=r"^x (is|holds) .*; give an array"):
            call(x)


def test_objects_that_are_numbers_are_taken():
    net = TwoLayerNet(6, 4, 3)
    np.testing.assert_array_equal(net.predict(X.astype(object)), net.predict(X))


def test_one_sample_without_its_axis_is_told_how_to_get_one():
    with pytest.raises(ValueError, match=r"x is \(6,\).*x\.reshape\(1, -1\) for one sample"):
        TwoLayerNet(6, 4, 3).accuracy(X[0], T[0])
