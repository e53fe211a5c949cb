"""The CSV form: values, split, scaling, and errors that name file and line."""

import numpy as np
import pytest

from xpnet.datasets import DatasetError, from_csv

HEADER = "label,pixel0,pixel1,pixel2,pixel3"


def write(tmp_path, *lines, end="\n", encoding="utf-8"):
    path = tmp_path / "train.csv"
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return path


@pytest.fixture
def table():
    """(20, 5): labels 0..3, then 2x2 pixels of 10..250."""
    random = np.random.default_rng(0)
    pixels = random.integers(10, 251, (20, 4), np.uint8)
    pixels[0, :2] = 10, 250
    return np.column_stack([np.arange(20, dtype=np.uint8) % 4, pixels])


@pytest.fixture
def path(tmp_path, table):
    return write(tmp_path, HEADER, *(",".join(map(str, row)) for row in table))


def both(dataset):
    """All rows of both parts, sorted: label first."""
    rows = np.concatenate([np.column_stack([part.t, part.x]) for part in dataset])
    return rows[np.lexsort(rows.T[::-1])]


def test_every_row_lands_in_one_part(path, table):
    dataset = from_csv(path, normalize=False)
    assert [part.x.shape for part in dataset] == [(14, 4), (6, 4)]
    assert dataset.train.x.dtype == np.uint8
    assert dataset.train.t.dtype == np.int64
    np.testing.assert_array_equal(both(dataset), table[np.lexsort(table.T[::-1])])


def test_scaling_is_min_max_over_the_file(path):
    raw, scaled = from_csv(path, normalize=False), from_csv(path)
    for part, pixels in zip(scaled, raw, strict=True):
        np.testing.assert_array_equal(part.x, (pixels.x - np.float32(10)) / np.float32(240), strict=True)
    assert min(part.x.min() for part in scaled) == 0
    assert max(part.x.max() for part in scaled) == 1


def test_one_gray_everywhere_becomes_zero(tmp_path):
    train, _ = from_csv(write(tmp_path, HEADER, "1,7,7,7,7", "0,7,7,7,7"))
    np.testing.assert_array_equal(train.x, np.zeros((1, 4), np.float32), strict=True)


def test_the_seed_fixes_the_split(path):
    first, same, other = (from_csv(path, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.train.x, same.train.x, strict=True)
    assert not np.array_equal(first.train.x, other.train.x)
    # NumPy's frozen RandomState: the same rows on every machine and with every release.
    assert from_csv(path, seed=0, normalize=False).test.t.tolist() == [2, 1, 3, 0, 2, 1]


@pytest.mark.parametrize(("fraction", "sizes"), [(0, (20, 0)), (0.5, (10, 10)), (0.95, (1, 19))])
def test_fractions(path, fraction, sizes):
    train, test = from_csv(path, test_fraction=fraction)
    assert (len(train.x), len(test.t)) == sizes
    assert test.x.shape[1:] == (4,)


@pytest.mark.parametrize("fraction", [-0.1, 1, 1.5, float("nan")])
def test_a_fraction_out_of_range(path, fraction):
    with pytest.raises(ValueError, match="test_fraction must be at least 0 and below 1"):
        from_csv(path, test_fraction=fraction)


def test_a_fraction_that_leaves_nothing(path):
    with pytest.raises(ValueError, match="leaves no row to train on"):
        from_csv(path, test_fraction=0.99)


def test_one_hot_and_pictures(path):
    train, test = from_csv(path, one_hot=True, flatten=False)
    assert train.x.shape == (14, 1, 2, 2)
    assert (test.t.shape, test.t.dtype) == ((6, 4), np.float32)
    assert (test.t.sum(axis=1) == 1).all()


@pytest.mark.parametrize(
    ("shape", "expected"),
    [(None, (1, 2, 2)), ((1, 4), (1, 1, 4)), ((2, 1, 2), (2, 1, 2)), ((4, 1), (1, 4, 1))],
)
def test_image_shape(path, shape, expected):
    assert from_csv(path, flatten=False, image_shape=shape).train.x.shape == (14, *expected)


@pytest.mark.parametrize("shape", [(2, 3), (4,), (1, 1, 2, 2), (-2, -2)])
def test_an_image_shape_that_does_not_fit(path, shape):
    with pytest.raises(ValueError, match=r"with the product 4"):
        from_csv(path, flatten=False, image_shape=shape)


def test_no_square(tmp_path):
    path = write(tmp_path, "label,a,b", "0,1,2", "1,2,3", "1,4,5")
    assert from_csv(path).train.x.shape == (2, 2)
    with pytest.raises(ValueError, match=r"2 pixels are no square; give image_shape"):
        from_csv(path, flatten=False)


def test_the_label_may_stand_anywhere_and_have_any_name(tmp_path):
    path = write(tmp_path, "a,b,digit", "10,20,3", "30,40,4")
    dataset = from_csv(path, label="digit", normalize=False, test_fraction=0.5)
    np.testing.assert_array_equal(both(dataset), [[3, 10, 20], [4, 30, 40]])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_files_from_spreadsheets(tmp_path, end, encoding):
    path = write(tmp_path, '"label","a"', '"1","2"', " 3 , 4", "", end=end, encoding=encoding)
    dataset = from_csv(path, normalize=False, test_fraction=0.5)
    np.testing.assert_array_equal(both(dataset), [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("row", "expected", "found"),
    [
        ("1,2,3,4", "5 fields, as the header has", "4"),
        ("1,2,3,4,5,6", "5 fields, as the header has", "6"),
        ("1,2,x,4,5", "whole numbers 0..255", "'x' in column 'pixel1'"),
        ("1,2,,4,5", "whole numbers 0..255", "'' in column 'pixel1'"),
        ("1,2,256,4,5", "whole numbers 0..255", "'256' in column 'pixel1'"),
        ("1,2,-1,4,5", "whole numbers 0..255", "'-1' in column 'pixel1'"),
        ("1,2,1.7,4,5", "whole numbers 0..255", "'1.7' in column 'pixel1'"),
        ("1,2,3.0,4,5", "whole numbers 0..255", "'3.0' in column 'pixel1'"),
        ("1,2,1e2,4,5", "whole numbers 0..255", "'1e2' in column 'pixel1'"),
        ("1,2,1_0,4,5", "whole numbers 0..255", "'1_0' in column 'pixel1'"),
        ("1,2,nan,4,5", "whole numbers 0..255", "'nan' in column 'pixel1'"),
        ("1,2,# no,4,5", "whole numbers 0..255", "'# no' in column 'pixel1'"),
        ("1,2,3,4,5# no", "whole numbers 0..255", "'5# no' in column 'pixel3'"),
        ("-1,2,3,4,5", "whole numbers 0..255", "'-1' in column 'label'"),
        ("1,2," + "9" * 5000 + ",4,5", "whole numbers 0..255", f"'{'9' * 40}...' in column 'pixel1'"),
    ],
)
@pytest.mark.parametrize("before", [0, 3])
def test_a_bad_row_is_named_with_its_line(tmp_path, row, expected, found, before):
    # The blank line counts in an editor, so it counts here.
    path = write(tmp_path, HEADER, "", *["1,2,3,4,5"] * before, row, "1,2,3,4,5")
    with pytest.raises(DatasetError) as caught:
        from_csv(path)
    problem = f"{path}, line {before + 3}: expected {expected}, found {found}. "
    assert str(caught.value).startswith(problem + "Correct the file or remove that line.")


def test_all_rows_shorter_than_the_header(tmp_path):
    with pytest.raises(DatasetError, match=r"line 2: expected 5 fields, as the header has, found 3"):
        from_csv(write(tmp_path, HEADER, "1,2,3", "1,2,3"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"line 1: expected lines such as label,pixel0,\.\.\., found an empty file"),
        (b"\n \n\t\n", "found an empty file"),
        (b"label,a,b\n", "expected rows of numbers below the header, found none"),
        (b"label,a,b\n\n \n", "expected rows of numbers below the header, found none"),
        (
            b"pixel0,pixel1\n1,2\n",
            "line 1: expected a column named 'label', found the columns pixel0, pixel1",
        ),
        (b"5,0,0,0,0,0,0\n1,2,3,4,5,6,7\n", r"found what looks like data \(5, 0, 0, 0, 0, \.\.\.\)"),
        (b"label\n1\n", "expected columns of pixels, found only label"),
        (b"label,a\n1,\xff\n", "expected UTF-8 text"),
        (b"\x1f\x8b\x08\0", "expected UTF-8 text"),
    ],
)
def test_files_that_are_no_such_table(tmp_path, content, message):
    path = tmp_path / "train.csv"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=message) as caught:
        from_csv(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", [".", "nowhere.csv"])
def test_a_path_that_is_no_file(tmp_path, name):
    with pytest.raises(
        DatasetError, match=r"expected a CSV file, found (Is a directory|No such file|Permission)"
    ):
        from_csv(tmp_path / name)
