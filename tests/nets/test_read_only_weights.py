"""Nets whose arrays came read-only from a pickle, as joblib maps them from a file and Dask ships them."""

import pickle

import numpy as np
import pytest

import xpnet
from xpnet.nets import TwoLayerNet
from xpnet.optimizers import SGD, names

X = np.random.default_rng(0).normal(size=(30, 6))
T = np.arange(30) % 3


def read_only(net):
    """The net, through pickle with its arrays apart (PEP 574) in memory that may not be written."""
    parts = []
    data = pickle.dumps(net, protocol=5, buffer_callback=parts.append)
    assert parts
    return pickle.loads(data, buffers=[bytes(part) for part in parts])


def made():
    return TwoLayerNet(6, 5, 3, weight_init_std=0.5, seed=0)


@pytest.mark.parametrize("optimizer", names())
@pytest.mark.parametrize("engine", ["layers", "auto"])
@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_it_trains_as_any_other(name, engine, optimizer):
    with xpnet.using(name):
        net, expected = read_only(made()), made()
        np.testing.assert_array_equal(net.predict(X), expected.predict(X))
        for one in (net, expected):
            one.fit(X, T, optimizer=optimizer, seed=0, engine=engine, verbose=False)
        for key, array in expected.params.items():
            np.testing.assert_array_equal(net.params[key], array)


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_loops_by_hand_change_it(name):
    with xpnet.using(name):
        net = read_only(made())
        before = net.params["W1"].copy()
        net.params["W1"] -= 0.1 * net.gradient(X, T)["W1"]
        SGD(0.1).update(net.params, net.gradient(X, T))
        assert (net.params["W1"] != before).any()
        net.to(dtype="float64").fit(X, T, verbose=False)


def test_a_net_of_read_only_arrays_takes_copies(tmp_path):
    np.save(tmp_path / "W.npy", np.zeros((6, 3)))
    W = np.load(tmp_path / "W.npy", mmap_mode="r")
    net = xpnet.nets.Sequential([xpnet.layers.Affine(W, np.zeros(3))])
    net.fit(X, T, verbose=False)
    assert net.params["W1"].any()
    np.testing.assert_array_equal(W, 0)
