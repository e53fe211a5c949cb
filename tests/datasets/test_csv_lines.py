"""Lines of CSV files: blank ones, minus zero, other separators, and that every refusal names its line."""

import pytest

from xpnet.datasets import DatasetError, from_csv

WHOLE = {"test_fraction": 0, "normalize": False}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.csv"


def fault(path, content, **options):
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DatasetError) as caught:
        from_csv(path, **options)
    return str(caught.value)


@pytest.mark.parametrize("blank", ["", " ", "   ", "\t", " \t ", "\x0b\x0c", "\xa0"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_blanks_are_skipped_wherever_they_stand(path, blank, end):
    lines = [blank, blank, "label,a,b", blank, "1,2,3", blank, blank, "4,5,6", blank]
    path.write_bytes(end.join(lines).encode())
    train, _ = from_csv(path, **WHOLE)
    assert (train.t.tolist(), train.x.tolist()) == ([1, 4], [[2, 3], [5, 6]])
    text = end.join([*lines, "7,x,9"])
    assert "line 10: expected whole numbers 0..255, found 'x'" in fault(path, text)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("-0", 0),
        ("-00", 0),
        (" -0 ", 0),
        ('"-0"', 0),
        ("+0", 0),
        ("+5", 5),
        ("007", 7),
        (" 5\t", 5),
        ('"5"', 5),
        ('"5" ', 5),
        ("255", 255),
    ],
)
@pytest.mark.parametrize("column", [0, 1, 2])
def test_spellings_of_whole_numbers(path, field, value, column):
    row = ["1", "2", "3"]
    row[column] = field
    path.write_text(f"label,a,b\n{','.join(row)}\n9,8,7\n")
    (x, t), _ = from_csv(path, **WHOLE)
    expected = [1, 2, 3]
    expected[column] = value
    assert [t[0], *x[0]] == expected
    assert [t[1], *x[1]] == [9, 8, 7]


@pytest.mark.parametrize(
    "field",
    [
        "256",
        "-1",
        "--0",
        "-0.0",
        "- 0",
        "1e2",
        "1_000",
        "0x10",
        "nan",
        "inf",
        "",
        " ",
        "1 2",
        "3.0",
        "5.",
        "x",
        "\0",
        "5\0",
        "٣",
        "²",
        "1,5",
        "1;5",
        "True",
        "None",
        "NA",
        "'5'",
        ' "5"',
        '"',
        '"5',
        "9" * 5000,
        "x" * 200_000,
    ],
)
@pytest.mark.parametrize("column", [0, 1, 2])
def test_every_other_field_is_refused_with_its_line(path, field, column):
    row = ["1", "2", "3"]
    row[column] = field
    for end in ("\n", "\r\n", "\r"):
        text = end.join(["label,a,b", "", "9,8,7", ",".join(row), "9,8,7", ""])
        assert fault(path, text).startswith(f"{path}, line 4: expected ")


@pytest.mark.parametrize(
    ("separator", "name"),
    [(";", "semicolons"), ("\t", "tabs"), ("|", "bars"), (" ", "blanks"), ("; ", "semicolons")],
)
class TestOtherSeparators:
    def test_of_a_header(self, path, separator, name):
        message = fault(path, "label,a,b\n1,2,3\n".replace(",", separator))
        assert f"line 1: expected fields separated by commas, found {name} between them" in message

    def test_of_a_file_without_one(self, path, separator, name):
        message = fault(path, "1,2,3\n4,5,6\n".replace(",", separator), header=None)
        assert f"line 1: expected fields separated by commas, found {name} between them" in message

    def test_of_the_rows_alone(self, path, separator, name):
        message = fault(path, "label,a,b\n" + "1,2,3\n".replace(",", separator))
        assert f"line 2: expected fields separated by commas, found {name} between them" in message


@pytest.mark.parametrize("row", ["1,2,3,", "1,2,3,,"])
def test_a_comma_at_the_end_of_a_row(path, row):
    message = fault(path, f"label,a,b\n1,2,3\n{row}\n")
    assert (
        f"line 3: expected 3 fields, as the header has, found {row.count(',') + 1}, the last one empty"
        in message
    )


def test_a_row_of_commas_alone(path):
    assert "line 3: expected whole numbers 0..255, found '' in column 'label'" in fault(
        path, "label,a,b\n1,2,3\n,,\n"
    )


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_bytes_that_are_no_utf_8(path, end):
    content = end.join([b"label,a", b"1,2", b"", b"3,\xff", b"5,6"])
    assert "line 4: expected UTF-8 text, found the byte 0xff" in fault(path, content)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("label,a\n1,2\n".encode("utf-16"), "UTF-16 text"),
        (b"\x1f\x8b\x08\0\0", "a gzip file"),
        (b"PK\x03\x04\x14\0\xff", "a zip file or a spreadsheet"),
    ],
)
def test_files_of_another_kind(path, content, found):
    assert f"expected UTF-8 text, found {found}" in fault(path, content)


def test_a_very_long_name(path):
    path.write_text(f"label,{'x' * 200_000}\n1,2\n")
    assert from_csv(path, **WHOLE).train.x.tolist() == [[2]]
    message = fault(path, f"class,{'x' * 200_000}\n1,2\n")
    assert len(message) < 1000
