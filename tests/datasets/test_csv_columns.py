"""Columns of CSV files that hold no pixels: indices, ids, a second label, whatever is left out."""

import numpy as np
import pytest

from xpnet.datasets import DatasetError, from_csv

WHOLE = {"test_fraction": 0, "normalize": False}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.csv"


def fault(path, **options):
    with pytest.raises(DatasetError) as caught:
        from_csv(path, **options)
    return str(caught.value)


def images(count, seed=0):
    """Labels and four pixels (count, 5), none of which counts anything."""
    table = np.random.default_rng(seed).integers(20, 200, (count, 5))
    table[:, 0] = np.arange(count) * 7 % 10
    return table


def write(path, names, *columns):
    """Write columns below names; names of None for no header."""
    lines = [] if names is None else [names]
    lines += [",".join(map(str, row)) for row in np.column_stack(columns).tolist()]
    path.write_text("\n".join(lines) + "\n")


NAMES = "label,a,b,c,d"


class TestAnIndex:
    @pytest.mark.parametrize("count", [1, 3, 200, 256, 257, 1000])
    @pytest.mark.parametrize("name", ["", '""', " ", "Unnamed: 0", "Unnamed: 0.1", "Unnamed: 12"])
    def test_a_column_without_a_name(self, path, name, count):
        table = images(count)
        write(path, f"{name},{NAMES}", np.arange(count), table)
        message = fault(path)
        bare = name.strip(' "')
        what = "column 'Unnamed" if bare else "column 0 (counted from 0) without one"
        assert "line 1: expected a name for every column of pixels, found " + what in message
        drop = bare or 0
        assert f"to_csv(..., index=False), or leave the column out: drop=({drop!r},), --drop" in message
        train, _ = from_csv(path, drop=drop, **WHOLE)
        np.testing.assert_array_equal(np.column_stack([train.t, train.x]), table)

    def test_a_column_without_a_name_anywhere(self, path):
        write(path, "label,a,,b", images(3)[:, :4])
        assert "column 2 (counted from 0) without one" in fault(path)

    def test_a_comma_at_the_end_of_the_header(self, path):
        path.write_text("label,a,\n1,2,\n")
        assert "column 2 (counted from 0) without one. Does the line end in a comma?" in fault(path)
        assert from_csv(path, drop=-1, **WHOLE).train.x.tolist() == [[2]]

    def test_shuffled_rows_have_a_shuffled_index(self, path):
        write(path, f",{NAMES}", np.random.default_rng(0).permutation(300), images(300))
        assert "column 0 (counted from 0) without one" in fault(path)

    @pytest.mark.parametrize("count", [5, 100, 256, 257, 1000])
    @pytest.mark.parametrize("first", [0, 1])
    @pytest.mark.parametrize("name", ["id", "ImageId", "pixel_x", "n"])
    def test_a_column_of_row_numbers_with_a_name(self, path, name, first, count):
        table = images(count)
        write(path, f"{NAMES},{name}", table, np.arange(first, first + count))
        assert f"expected pixels in column {name!r}, found the numbers of the rows" in fault(path)
        assert f"drop=({name!r},), --drop {name!r}" in fault(path)
        train, _ = from_csv(path, drop=(name,), **WHOLE)
        np.testing.assert_array_equal(np.column_stack([train.t, train.x]), table)

    @pytest.mark.parametrize(
        "name", ["id", "ID", "index", "idx", "image_id", "ImageId", "row no", "sample-number"]
    )
    def test_an_id_of_shuffled_or_thinned_rows(self, path, name):
        numbers = np.random.default_rng(0).permutation(250)[:40]
        write(path, f"{name},{NAMES}", numbers, images(40))
        assert f"expected pixels in column {name!r}, found the numbers of the rows" in fault(path)

    def test_a_thinned_index_beyond_255(self, path):
        write(path, f"number_in_the_archive,{NAMES}", np.arange(0, 900, 3), images(300))
        assert "expected pixels in column 'number_in_the_archive', found the numbers of the rows" in fault(
            path
        )

    def test_a_large_number_alone_is_a_fault_of_its_line(self, path):
        table = images(20)
        table[7, 2] = 300
        write(path, NAMES, table)
        message = fault(path)
        assert "line 9: expected whole numbers 0..255, found '300' in column 'b'" in message
        assert "can be left out: drop=('b',), --drop 'b'" in message

    def test_without_a_header_it_is_neither_label_nor_pixel(self, path):
        table = images(40)
        write(path, None, np.arange(40), table)
        message = fault(path, header=None)
        assert "expected labels in column 0 (counted from 0), found the numbers of the rows" in message
        assert "drop=(0,), --drop 0. If these are labels, say so: label=0" in message
        assert "expected pixels in column 0 (counted from 0)" in fault(path, header=None, label=1)
        train, _ = from_csv(path, header=None, drop=0, **WHOLE)
        np.testing.assert_array_equal(np.column_stack([train.t, train.x]), table)
        assert from_csv(path, header=None, label=0, **WHOLE).train.t.tolist() == list(range(40))

    def test_ten_digits_in_their_order_are_labels(self, path):
        write(path, None, np.arange(10), images(10))
        assert from_csv(path, header=None, **WHOLE).train.t.tolist() == list(range(10))
        write(path, NAMES, np.arange(40), images(40)[:, 1:])
        assert from_csv(path, **WHOLE).train.t.tolist() == list(range(40))


class TestARepeatedLabel:
    @pytest.mark.parametrize("where", ["0, 5", "0, 2"])
    def test_the_same_name_twice(self, path, where):
        table = images(3)
        names = {"0, 5": "label,a,b,c,d,label", "0, 2": "label,a,label,b,c,d"}[where]
        write(path, names, np.insert(table, 5 if where == "0, 5" else 2, table[:, 0], axis=1))
        message = fault(path)
        assert f"found 'label' for the columns {where} (counted from 0)" in message
        again = int(where[-1])
        assert f"drop=({again},), --drop {again}" in message
        for options in ({"drop": again}, {"drop": again, "label": 0}):
            train, _ = from_csv(path, **options, **WHOLE)
            np.testing.assert_array_equal(train.x, table[:, 1:])

    @pytest.mark.parametrize("name", ["label.1", "label.12", "Label", "LABEL.1"])
    @pytest.mark.parametrize("label", [None, "label", 0])
    def test_a_name_that_is_the_labels_in_pandas_or_but_for_case(self, path, name, label):
        table = images(3)
        write(path, f"{NAMES},{name}", table, table[:, 0])
        message = fault(path, label=label)
        assert f"expected one column of labels, found column 'label' and column {name!r}" in message
        assert from_csv(path, drop=[name], **WHOLE).train.x.tolist() == table[:, 1:].tolist()

    def test_a_pixel_name_twice(self, path):
        write(path, "label,a,b,a", images(3)[:, :4])
        assert "found 'a' for the columns 1, 3 (counted from 0)" in fault(path)
        assert "found 'a' for the columns 1, 3 (counted from 0)" in fault(path, drop="a")

    @pytest.mark.parametrize("names", [f"{NAMES},digit", None])
    def test_the_same_numbers_under_another_name_or_none(self, path, names):
        table = images(70)
        write(path, names, table, table[:, 0])
        column = "column 'digit'" if names else "column 5 (counted from 0)"
        message = fault(path, header="infer" if names else None)
        assert f"expected pixels in {column}, found the same numbers as in column" in message

    def test_what_is_alike_in_some_rows_is_a_pixel(self, path):
        table = images(70)
        almost = table[:, 0].copy()
        almost[-1] += 1
        write(path, f"{NAMES},e", table, almost)
        assert from_csv(path, **WHOLE).train.x.shape == (70, 5)
        write(path, "label,a", np.arange(70) % 2, np.arange(70) % 2)
        assert from_csv(path, **WHOLE).train.x.shape == (70, 1)


class TestDrop:
    def test_whatever_the_column_holds(self, path):
        path.write_text('file,label,a,note,b\nx.png,1,2,"a, b",3\ny.png,4,5,,6\n')
        train, _ = from_csv(path, drop=("file", 3), **WHOLE)
        assert train.t.tolist() == [1, 4]
        assert train.x.tolist() == [[2, 3], [5, 6]]

    def test_numbers_count_all_columns(self, path):
        path.write_text("9,1,2,3\n9,4,5,6\n")
        train, _ = from_csv(path, header=None, drop=0, label=1, **WHOLE)
        assert (train.t.tolist(), train.x.tolist()) == ([1, 4], [[2, 3], [5, 6]])

    def test_the_pixels_alone_make_the_input_range(self, path):
        path.write_text("id,label,a\n250,1,20\n3,0,30\n")
        assert from_csv(path, drop="id").input_range == (20, 30)

    @pytest.mark.parametrize("row", ["x,1,2,3", "x,1"])
    def test_rows_of_another_length_are_refused_all_the_same(self, path, row):
        path.write_text(f"id,label,a\nx,1,2\n{row}\n")
        assert "line 3: expected 3 fields, as the header has" in fault(path, drop="id")

    def test_an_open_quote_swallows_no_rows(self, path):
        path.write_text('id,label,a\n"x,1,2\ny,3,4\nz",5,6\n')
        assert "line 2: expected fields that end in their line, found an open quote" in fault(path, drop="id")

    def test_what_cannot_be_left_out(self, path):
        path.write_text("label,a,b\n1,2,3\n")
        assert "expected a column named 'c'" in fault(path, drop="c")
        assert "drop=..., --drop ..." in fault(path, drop="c")
        assert "expected a column 3, counted from 0" in fault(path, drop=3)
        assert "expected columns of pixels" in fault(path, drop=("a", "b"))
        with pytest.raises(ValueError, match="drop leaves out the label, column 'label'"):
            from_csv(path, drop=("label",))
        with pytest.raises(ValueError, match=r"1\.5 is no column"):
            from_csv(path, drop=(1.5,))
