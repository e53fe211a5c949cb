"""Arguments that look like samples and are none, and outputs that are no answer."""

import numpy as np
import pytest

import xpnet
from xpnet.nets import TwoLayerNet

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 6))
T = X[:, :3].argmax(axis=1)


def net():
    return TwoLayerNet(6, 4, 3, seed=1)


def test_samples_and_labels_in_each_others_place(backend):
    with pytest.raises(ValueError, match=r"x is \(12,\); .* Are x and t swapped\? t is \(12, 6\)"):
        net().fit(T, X, verbose=False)


def test_a_loaders_pair_in_the_place_of_its_parts(backend):
    with pytest.raises(TypeError, match=r"x holds arrays of different shapes, \(12, 6\) and others"):
        net().fit((X, T), (X, T), verbose=False)


def test_a_list_of_samples_is_one_array_of_them(backend):
    assert net().predict(list(X.reshape(12, 2, 3))).shape == (12, 3)


def test_one_picture(backend):
    with pytest.raises(ValueError, match=r"W is \(6, 4\); .* One sample\? Give x\.reshape\(-1\)"):
        net().predict(X[0].reshape(2, 3))


@pytest.mark.parametrize("at", [0, 7])
def test_an_output_of_nan_is_no_class(at, backend):
    x = X.copy()
    x[at, 2] = np.nan
    with pytest.raises(ValueError, match=f"accuracy: the net's output for sample {at} is NaN"):
        net().accuracy(x, T)
    with pytest.raises(ValueError, match=f"validation: accuracy: the net's output for sample {at} is NaN"):
        net().fit(X, T, validation=(x, T), verbose=False)


class Spoils(xpnet.optimizers.SGD):
    def update(self, params, grads):
        params["W2"][...] = np.nan


def test_a_last_step_that_spoils_the_weights(backend):
    with pytest.raises(xpnet.DivergedError, match=r"epoch 1, training data: .* lower the learning rate"):
        net().fit(X, T, batch_size=12, optimizer=Spoils(), verbose=False)


class NoisyWhenAsked(xpnet.layers.Relu):
    def forward(self, x):
        if not self.training:
            raise ValueError("a layer's own trouble")
        return super().forward(x)


def test_other_errors_of_an_accuracy_stay_what_they_are():
    layers = [xpnet.layers.Affine(np.zeros((6, 3)), np.zeros(3)), NoisyWhenAsked()]
    with pytest.raises(ValueError, match="a layer's own trouble"):
        xpnet.nets.Sequential(layers).fit(X, T, verbose=False)
