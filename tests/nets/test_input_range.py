"""The input range: what integers of each dtype and range mean, chosen once, for fit, predict and targets."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import xpnet
from xpnet.layers import Affine, IdentityWithLoss, Relu, SigmoidWithLoss
from xpnet.nets import Sequential, TwoLayerNet

RNG = np.random.default_rng(0)
T = RNG.integers(0, 3, 60)


def bytes_up_to(largest, shape=(60, 8)):
    values = RNG.integers(0, largest + 1, shape).astype(np.uint8)
    values[0, 0] = largest
    return values


ONE_HOT = np.eye(4, dtype=np.uint8)[RNG.integers(0, 4, (60, 2))].reshape(60, 8)

BYTES = {
    "binarised": (bytes_up_to(1), (0, 1)),
    "one-hot": (ONE_HOT, (0, 1)),
    "three levels": (bytes_up_to(2), (0, 2)),
    "grey levels 0..15": (bytes_up_to(15), (0, 15)),
    "pixels 0..16": (bytes_up_to(16), (0, 16)),
    "counts": (bytes_up_to(40), (0, 40)),
    "percent": (bytes_up_to(100), (0, 100)),
    "dim pixels": (bytes_up_to(200), (0, 255)),
    "pixels": (bytes_up_to(255), (0, 255)),
}


def made(**options):
    return TwoLayerNet(8, 6, 3, weight_init_std=0.5, seed=1, **options)


def trained(x, engine="auto", **options):
    net = made(**options)
    net.fit(x, T, batch_size=20, seed=0, engine=engine, verbose=False)
    return net


def same(first, second, tolerance=1e-6):
    np.testing.assert_allclose(xpnet.to_numpy(first), xpnet.to_numpy(second), rtol=0, atol=tolerance)


@pytest.mark.parametrize("engine", ["layers", "auto"])
@pytest.mark.parametrize(("x", "chosen"), BYTES.values(), ids=BYTES)
def test_bytes_train_and_predict_as_their_scaled_floats(x, chosen, engine, backend):
    net = trained(x, engine)
    assert net.input_range == chosen
    scaled = (x / chosen[1]).astype(np.float32)
    expected = trained(scaled, engine)
    for name, array in expected.params.items():
        same(net.params[name], array)
    for form in (x, x.astype(np.int64), x.astype(np.int16), scaled, x.tolist()):
        same(net.predict(form), expected.predict(scaled), 1e-5)
    same(net.predict(x[3]), expected.predict(scaled[3]), 1e-5)
    assert net.accuracy(x, T) == expected.accuracy(scaled, T)
    same(net.loss(x, T), expected.loss(scaled, T), 1e-5)


FLOATS = {
    "multiples of 1/255": (bytes_up_to(255) / 255, (0, 255)),
    "multiples of 1/16": (bytes_up_to(16) / 16, (0, 16)),
    "multiples of 1/15": (bytes_up_to(15) / 15, (0, 15)),
    "0 and 1": (bytes_up_to(1) / 1, (0, 1)),
    "whole numbers": (bytes_up_to(255) * 1.0, (0, 1)),
    "standardised": (RNG.normal(size=(60, 8)), (0, 1)),
    "any in 0..1": (RNG.random((60, 8)), None),
    "tiny": (np.full((60, 8), 1e-300), None),
    "zeros": (np.zeros((60, 8)), None),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("x", "chosen"), FLOATS.values(), ids=FLOATS)
def test_floats_are_taken_as_they_are_and_tell_what_raw_values_were(x, chosen, dtype, backend):
    net = trained(x.astype(dtype))
    assert net.input_range == chosen
    if chosen not in (None, (0, 1)):
        raw = np.round(x * chosen[1])
        for integers in (np.uint8, np.int32):
            same(net.predict(raw.astype(integers)), net.predict(x), 1e-5)


@pytest.mark.parametrize("dtype", [bool, "int8", "uint16", "int64"])
def test_other_integers_are_taken_as_they_are(dtype, backend):
    x = bytes_up_to(1 if dtype is bool else 15).astype(dtype)
    net, by_floats = trained(x), trained(x.astype(float))
    assert net.input_range == (0, 1)
    same(net.params["W1"], by_floats.params["W1"])
    same(net.predict(x), by_floats.predict(x.astype(float)))


def test_before_training_bytes_are_pixels_and_dim_ones_are_said(backend):
    net, x = made(), bytes_up_to(255)
    same(net.predict(x), net.predict(x / 255))
    assert net.input_range is None
    with pytest.warns(UserWarning, match=r"uint8 with values up to 16, and is divided by 255.*\(0, 16\)"):
        net.predict(bytes_up_to(16))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.predict(np.zeros((2, 8), np.uint8))


def test_values_beyond_the_range_are_said(backend):
    sixteen, binary = trained(bytes_up_to(16)), trained(bytes_up_to(1))
    for x in (bytes_up_to(255), bytes_up_to(255).astype(int)):
        with pytest.warns(UserWarning, match=r"values up to 255, and is scaled by net.input_range = 0\.\.16"):
            sixteen.predict(x)
    with pytest.warns(UserWarning, match=r"input_range = 0\.\.1\. .* set net.input_range = \(0, 255\)"):
        binary.predict(bytes_up_to(255))


def test_integers_that_look_scaled_already_are_said(backend):
    net = trained(bytes_up_to(255))
    with pytest.warns(
        UserWarning, match="int64 with values up to 1, and is scaled by net.input_range = 0..255"
    ):
        net.predict(np.ones((2, 8), np.int64))
    net.predict(np.ones((2, 8), np.uint8))
    net.predict(np.ones((2, 8), bool))


def test_a_loop_by_hand_chooses_it_from_its_first_batch(backend):
    x, net = bytes_up_to(16), made()
    with pytest.warns(UserWarning, match="values up to 16 in its first batch, and is divided by 16"):
        by_bytes = net.gradient(x[:20], T[:20])
    assert net.input_range == (0, 16)
    same(by_bytes["W1"], made().gradient(x[:20] / 16, T[:20])["W1"])
    quiet = made()
    quiet.gradient(bytes_up_to(255), T)
    quiet.loss(bytes_up_to(255), T, training=True)
    assert quiet.input_range == (0, 255)


def test_it_is_kept_by_copies_and_assigned_by_hand(backend):
    net = trained(bytes_up_to(16))
    for twin in (net.copy(), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert twin.input_range == (0, 16)
        assert str(twin.input_range) == "0..16"
    net.input_range = (1, 9)
    same(net.predict(np.full((1, 8), 9, np.uint8)), net.predict(np.ones((1, 8))))
    net.input_range = (0, 255)
    same(net.predict(np.full((1, 8), 255, np.uint8)), net.predict(np.ones((1, 8))))
    net.input_range = None
    assert net.input_range is None
    for wrong in (16, (0, 0), (3, 1), (0, np.nan), (0, 1, 2), "16", ("a", "b")):
        with pytest.raises(ValueError, match=r"input_range is .*; it must be a pair \(low, high\)"):
            net.input_range = wrong


def test_it_stays_for_a_second_fit_which_says_so(capsys, backend):
    net = trained(bytes_up_to(255))
    net.fit(bytes_up_to(16), T, seed=0)
    said = capsys.readouterr().err
    assert "x is uint8, and is scaled from 0..255 to 0..1 (net.input_range)" in said
    assert "these data alone would be scaled from 0..16: set net.input_range = None before fit" in said
    assert net.input_range == (0, 255)


def test_fit_says_how_bytes_are_scaled(capsys, backend):
    for x, words in (
        (bytes_up_to(15), "x is uint8, and is scaled from 0..15 to 0..1 (net.input_range)"),
        (bytes_up_to(1), "x is uint8, and is taken as it is (net.input_range)"),
    ):
        made().fit(x, T)
        assert words in capsys.readouterr().err
    made().fit(bytes_up_to(15).astype(int), T)
    assert "input_range" not in capsys.readouterr().err


def test_a_fit_that_fails_before_a_step_chooses_nothing(backend):
    net = made()
    with pytest.raises(ValueError, match="is outside"):
        net.fit(bytes_up_to(16), T + 1, verbose=False)
    assert net.input_range is None


def autoencoder(loss):
    rng = np.random.default_rng(0)
    W, V = rng.normal(0, 0.1, (8, 5)), rng.normal(0, 0.1, (5, 8))
    return Sequential([Affine(W, np.zeros(5)), Relu(), Affine(V, np.zeros(8))], loss)


@pytest.mark.parametrize("loss", [IdentityWithLoss, SigmoidWithLoss])
@pytest.mark.parametrize("name", ["pixels", "pixels 0..16", "binarised"])
def test_an_autoencoders_bytes_are_scaled_as_its_inputs(name, loss, backend):
    x, (_, high) = BYTES[name]
    net, expected, scaled = autoencoder(loss()), autoencoder(loss()), (x / high).astype(np.float32)
    history = net.fit(x, x, epochs=2, batch_size=20, seed=0, verbose=False, validation=(x, x))
    wanted = expected.fit(scaled, scaled, epochs=2, batch_size=20, seed=0, verbose=False)
    np.testing.assert_allclose(history.loss, wanted.loss, rtol=1e-5)
    same(net.loss(x, x), expected.loss(scaled, scaled), 1e-5)
    same(net.target(x, x), scaled)
    same(net.target(x), scaled)
    same(net.gradient(x, x)["W1"], expected.gradient(scaled, scaled)["W1"], 1e-5)


def test_targets_that_are_no_pictures_are_left_as_they_are(backend):
    x, net = bytes_up_to(255), autoencoder(IdentityWithLoss())
    net.fit(x, x, verbose=False)
    masks = bytes_up_to(1)
    same(net.target(masks, x), masks)  # a segmentation
    same(net.target(x, x / 255), x)  # inputs that were scaled by hand
    ages = bytes_up_to(90, (60, 1))
    same(net.target(ages, x), ages)
    same(net.target(ages, ages), ages)


def test_the_target_is_said_to_be_scaled(capsys):
    x = bytes_up_to(255)
    autoencoder(IdentityWithLoss()).fit(x, x)
    assert "t holds integers of x's shape, and is scaled as x is" in capsys.readouterr().err
