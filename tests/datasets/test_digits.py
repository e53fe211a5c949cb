"""The built-in digits: all there, UCI's, split for ever the same way, and fit to learn from."""

import hashlib

import numpy as np
import pytest

from xpnet.datasets import digits
from xpnet.nets import TwoLayerNet


def test_shapes_dtypes_and_range():
    (x_train, t_train), (x_test, t_test) = digits()
    assert (x_train.shape, t_train.shape) == ((1437, 64), (1437,))
    assert (x_test.shape, t_test.shape) == ((360, 64), (360,))
    assert (x_train.dtype, t_train.dtype) == (np.float32, np.int64)
    assert x_train.min() == 0
    assert x_train.max() == 1


def test_every_digit_of_the_source_is_there_once():
    train, test = digits(normalize=False)
    labels = np.concatenate([train.t, test.t])
    # Counted by UCI: archive.ics.uci.edu, "examples in testing set".
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    rows = np.concatenate([train.x, test.x])
    assert rows.max() == 16
    assert len(np.unique(rows, axis=0)) == 1797


def test_raw_values_train_as_the_scaled_ones():
    raw, scaled = digits(normalize=False).train, digits().train
    assert raw.x.dtype == np.uint8
    net = TwoLayerNet(64, 4, 10, seed=0)
    history = net.fit(*raw, seed=0, verbose=False)
    assert net.input_range == digits().input_range == (0, 16)
    np.testing.assert_array_equal(net.input(raw.x), scaled.x)
    assert history.loss == TwoLayerNet(64, 4, 10, seed=0).fit(*scaled, seed=0, verbose=False).loss


def test_the_split_never_changes():
    train, test = digits(normalize=False)
    digest = hashlib.sha256()
    for array in (train.x.astype("u1"), train.t.astype("u1"), test.x.astype("u1"), test.t.astype("u1")):
        digest.update(array.tobytes())
    assert digest.hexdigest() == "e161483ef5956d6f528a23c028b278ddb824ebce104fa9e12fddb4c431cc281a"


def test_the_pixels_stand_upright():
    # Seen from the side or mirrored, a 1 would not be a column of ink in the middle.
    (x, t), _ = digits(flatten=False)
    ink = x[t == 1, 0].mean(axis=0)
    assert ink[:, 3:5].mean() > 4 * ink[:, [0, 1, 6, 7]].mean()


def test_a_nearest_mean_classifier_reads_them():
    (x_train, t_train), (x_test, t_test) = digits()
    means = np.stack([x_train[t_train == digit].mean(axis=0) for digit in range(10)])
    nearest = ((x_test[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == t_test).mean() > 0.85


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("flatten", [True, False])
@pytest.mark.parametrize("one_hot", [True, False])
def test_every_combination_of_flags(normalize, flatten, one_hot):
    plain = digits(normalize=False)
    for (x, t), (pixels, labels) in zip(
        digits(normalize=normalize, flatten=flatten, one_hot=one_hot), plain, strict=True
    ):
        assert x.shape == (len(pixels), *((64,) if flatten else (1, 8, 8)))
        wanted = pixels / np.float32(16) if normalize else pixels
        np.testing.assert_array_equal(x.reshape(-1, 64), wanted, strict=True)
        wanted = np.eye(10, dtype=np.float32)[labels] if one_hot else labels
        np.testing.assert_array_equal(t, wanted, strict=True)
        assert x.flags.c_contiguous
        assert x.flags.writeable


def test_samples_begin_where_kernels_read_them_in_place():
    parts = [part for flags in ({}, {"one_hot": True}, {"flatten": False}) for part in digits(**flags)]
    assert [part.x.ctypes.data % 64 for part in parts] == [0] * 6
