"""Dataset.input_range: the raw values that became 0 and 1."""

import copy
import pickle

import numpy as np
import pytest

from xpnet.datasets import Dataset, Split, digits, from_csv, mnist


def csv(tmp_path, *rows):
    path = tmp_path / "some.csv"
    path.write_text("\n".join(["label,a,b", *rows]) + "\n")
    return path


@pytest.mark.parametrize("flags", [{}, {"normalize": False}, {"one_hot": True}, {"flatten": False}])
def test_the_digits_are_0_to_16_in_every_form(flags):
    data = digits(**flags)
    assert data.input_range == (0, 16)
    assert all(type(bound) is int for bound in data.input_range)


@pytest.mark.mnist
@pytest.mark.usefixtures("real_mnist")
def test_mnist_is_0_to_255():
    assert mnist().input_range == (0, 255)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize(
    ("rows", "expected"),
    [(("0,0,16", "1,3,4"), (0, 16)), (("0,10,250", "1,30,40"), (10, 250)), (("0,7,7", "1,7,7"), (7, 8))],
)
def test_a_csv_files_smallest_and_largest_pixel(tmp_path, rows, expected, normalize):
    data = from_csv(csv(tmp_path, *rows), normalize=normalize)
    assert data.input_range == expected
    assert all(type(bound) is int for bound in data.input_range)


def test_it_leads_from_the_raw_values_to_the_scaled_ones(tmp_path):
    path = csv(tmp_path, "0,10,250", "1,30,40", "1,77,200", "0,11,12")
    raw, scaled = (from_csv(path, normalize=normalize) for normalize in (False, True))
    low, high = raw.input_range
    for before, after in zip(raw, scaled, strict=True):
        expected = (before.x - np.float32(low)) / np.float32(high - low)
        np.testing.assert_array_equal(after.x, expected, strict=True)


class TestTheDatasetIsStillAPair:
    data = Dataset(Split(np.zeros((2, 3)), np.zeros(2)), Split(np.ones((1, 3)), np.ones(1)), (3, 9))

    def test_it_unpacks_and_has_two_fields(self):
        (x_train, t_train), (x_test, t_test) = self.data
        assert (x_train.shape, t_train.shape, x_test.shape, t_test.shape) == ((2, 3), (2,), (1, 3), (1,))
        assert isinstance(self.data, tuple)
        assert len(self.data) == 2
        assert self.data._fields == ("train", "test")
        assert list(self.data._asdict()) == ["train", "test"]
        assert self.data == tuple(self.data)
        assert repr(self.data).startswith("Dataset(train=Split(")

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_a_pickle_keeps_the_range(self, protocol):
        again = pickle.loads(pickle.dumps(self.data, protocol))
        assert type(again) is Dataset
        assert again.input_range == (3, 9)
        np.testing.assert_array_equal(again.train.x, self.data.train.x, strict=True)

    @pytest.mark.parametrize(
        "copied", [copy.copy, copy.deepcopy, lambda data: data._replace(test=data.train)]
    )
    def test_a_copy_keeps_the_range(self, copied):
        again = copied(self.data)
        assert type(again) is Dataset
        assert again.input_range == (3, 9)

    def test_a_pair_of_ones_own_has_none(self):
        assert Dataset(*self.data).input_range is None
        assert Dataset._make(self.data).input_range is None
