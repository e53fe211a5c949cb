"""CSV files with and without a header: which column is the label, and that no sample is lost."""

import numpy as np
import pytest

from xpnet.datasets import DatasetError, digits, from_csv

WHOLE = {"test_fraction": 0, "normalize": False}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.csv"


def rows(path, **options):
    """The whole file as it is: labels, then pixels."""
    (x, t), (x_test, _) = from_csv(path, **WHOLE, **options)
    assert len(x_test) == 0
    return np.column_stack([t, x]).tolist()


def fault(path, **options):
    with pytest.raises(DatasetError) as caught:
        from_csv(path, **options)
    return str(caught.value)


class TestWithoutAHeader:
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("before", ["", "\ufeff", "\n \n"])
    def test_the_first_line_is_a_sample_and_column_0_the_label(self, path, end, before):
        path.write_bytes((before + "6,2,3\n1,4,5\n").replace("\n", end).encode())
        assert rows(path, header=None) == [[6, 2, 3], [1, 4, 5]]

    @pytest.mark.parametrize(
        ("label", "expected"),
        [
            (0, [[6, 2, 3], [1, 4, 5]]),
            (1, [[2, 6, 3], [4, 1, 5]]),
            (np.int64(2), [[3, 6, 2], [5, 1, 4]]),
            (-1, [[3, 6, 2], [5, 1, 4]]),
        ],
    )
    def test_the_label_by_its_number(self, path, label, expected):
        path.write_text("6,2,3\n1,4,5\n")
        assert rows(path, header=None, label=label) == expected

    def test_not_one_of_200_samples_is_lost(self, path):
        (x, t), _ = digits(normalize=False)
        table = np.column_stack([t, x]).astype(int)[:200]
        np.savetxt(path, table, "%d", ",")
        assert rows(path, header=None) == table.tolist()
        train, test = from_csv(path, header=None)
        assert (len(train.t), len(test.t)) == (140, 60)

    @pytest.mark.parametrize(
        "first",
        ["6,2,3", "6,0,0", "0,1,2", "0,0,0", "1.5,2,3", "-1,+2,1e3", "6,nan,3", '"6","2","3"', " 6 , 2,3"],
    )
    @pytest.mark.parametrize("options", [{}, {"label": "6"}, {"label": "label"}, {"label": 0}, {"label": -1}])
    def test_a_first_line_of_numbers_is_never_taken_for_names(self, path, first, options):
        path.write_text(f"{first}\n1,4,5\n")
        message = fault(path, **options)
        assert (
            f"{path}, line 1: expected a header such as label,pixel0,..., found what looks like data"
            in message
        )
        assert "write header=None (--no-header): the label then is column 0, or label=NUMBER" in message
        assert "If these are names, write header=0 (--header)" in message

    @pytest.mark.parametrize("first", ["7,x,3", "x,7,3", "7,8,", "A,0,12"])
    @pytest.mark.parametrize("label", [0, 1, 2])
    def test_a_bad_sample_in_the_first_line_is_not_lost_either(self, path, first, label):
        path.write_text(f"{first}\n1,4,5\n")
        assert "found what looks like data" in fault(path, label=label)
        assert "line 1: expected whole numbers 0..255" in fault(path, label=label, header=None)

    def test_a_name_cannot_be_the_label(self, path):
        path.write_text("6,2,3\n")
        with pytest.raises(ValueError, match="without a header no column is called '6'; give its number"):
            from_csv(path, header=None, label="6")

    def test_a_header_read_as_a_sample_is_an_error_in_line_1(self, path):
        path.write_text("label,a\n1,2\n")
        assert "line 1: expected whole numbers 0..255, found 'label' in column 0" in fault(path, header=None)

    def test_a_line_of_another_length(self, path):
        path.write_text("1,2,3\n\n1,2\n")
        assert "line 3: expected 3 fields, as the first line has, found 2" in fault(path, header=None)


class TestWithAHeader:
    def test_the_label_by_name_or_number(self, path):
        path.write_text("a,class,b\n1,2,3\n4,5,6\n")
        expected = [[2, 1, 3], [5, 4, 6]]
        for options in ({"label": "class"}, {"label": 1}, {"label": -2}, {"label": "class", "header": 0}):
            assert rows(path, **options) == expected

    @pytest.mark.parametrize("names", ["label,0,1", "label,1,2", "label,10,20", "label,0,0.5", '"label",7,9'])
    def test_names_that_are_numbers_beside_the_label(self, path, names):
        path.write_text(f"{names}\n3,4,5\n")
        assert rows(path) == [[3, 4, 5]]

    @pytest.mark.parametrize("names", ["class,0,1", "class,1,2", "0,1,class"])
    def test_columns_that_are_counted_need_no_label_by_name(self, path, names):
        path.write_text(f"{names}\n3,4,5\n")
        label = 0 if names.startswith("class") else 2
        assert rows(path, label=label) == ([[3, 4, 5]] if label == 0 else [[5, 3, 4]])

    @pytest.mark.parametrize("label", [0, "0"])
    def test_a_frame_without_names_is_read_when_the_caller_says_so(self, path, label):
        path.write_text("0,1,2\n3,4,5\n")
        assert rows(path, header=0, label=label) == [[3, 4, 5]]

    def test_a_label_that_is_not_there(self, path):
        path.write_text("Label,a\n1,2\n")
        message = fault(path)
        assert "line 1: expected a column named 'label', found the columns Label, a" in message
        assert "its number, counted from 0: label=..., --label ... Is it 'Label'?" in message
        assert "expected a column 2, counted from 0, found 2 columns" in fault(path, label=2)
        assert "expected a column -3, counted from 0, found 2 columns" in fault(path, label=-3)

    @pytest.mark.parametrize("label", [1.0, True, [0], b"label"])
    def test_a_label_that_is_no_column(self, path, label):
        path.write_text("label,a\n1,2\n")
        with pytest.raises(ValueError, match="is no column; give a name or a whole number from 0"):
            from_csv(path, label=label)

    @pytest.mark.parametrize("header", [True, False, 1, -1, "none", [0]])
    def test_a_header_that_cannot_be(self, path, header):
        path.write_text("label,a\n1,2\n")
        with pytest.raises(ValueError, match="header must be None"):
            from_csv(path, header=header)


def test_the_whole_file_as_it_is(path):
    (x, t), _ = digits(normalize=False)
    np.savetxt(path, np.column_stack([t, x]), "%d", ",")
    (x_all, t_all), (x_none, t_none) = from_csv(path, header=None, test_fraction=0, normalize=False)
    np.testing.assert_array_equal(x_all, x.astype(np.uint8), strict=True)
    np.testing.assert_array_equal(t_all, t, strict=True)
    assert (x_none.shape, t_none.shape) == ((0, 64), (0,))
    assert x_all.flags.writeable
    scaled = from_csv(path, header=None, test_fraction=0)
    np.testing.assert_array_equal(scaled.train.x, x / np.float32(16), strict=True)
