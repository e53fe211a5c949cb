"""`--dataset` with CSV files of several forms and folders of IDX files, for train, evaluate and bench."""

import gzip
import json
import struct

import numpy as np
import pytest

import xpnet
from xpnet.cli._benchmark import Benchmark

TRAIN = ("train", "--backend", "numpy", "--epochs", "1", "--seed", "0")


def table(count=40):
    """Labels 0 and 1, then four pixels that tell them apart."""
    labels = np.arange(count) % 2
    pixels = np.random.default_rng(0).integers(0, 50, (count, 4)) + 200 * labels[:, None]
    return np.column_stack([labels, pixels])


def write(path, rows, names=None):
    lines = ([names] if names else []) + [",".join(map(str, row)) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def model(tmp_path):
    """The file of a net for four pixels and two classes."""
    with xpnet.using("numpy"):
        xpnet.nets.MultiLayerNet(4, [], 2, seed=0).save(tmp_path / "net")
    return tmp_path / "net"


@pytest.fixture(autouse=True)
def no_measuring(monkeypatch):
    """Let bench print what it would measure, which takes seconds."""

    def told(self):
        print(*self.cases, *self.data.x.shape, self.data.x.max())
        return True

    monkeypatch.setattr(Benchmark, "run", told)


def commands(model):
    """What takes a data set, each as its arguments."""
    quick = ("--backends", "numpy", "--case", "4@10", "--epochs", "5")
    return {"train": TRAIN, "evaluate": ("evaluate", model, "--backend", "numpy"), "bench": ("bench", *quick)}


@pytest.mark.parametrize("command", ["train", "evaluate", "bench"])
@pytest.mark.parametrize(
    ("names", "columns", "options"),
    [
        (None, [0, 1, 2, 3, 4], ("--no-header",)),
        (None, [1, 2, 3, 4, 0], ("--no-header", "--label", "-1")),
        (None, [1, 0, 2, 3, 4], ("--no-header", "--label", "1")),
        ("a,digit,b,c,d", [1, 0, 2, 3, 4], ("--label", "digit")),
        ("a,digit,b,c,d", [1, 0, 2, 3, 4], ("--label", "1")),
        ("0,1,2,3,4", [0, 1, 2, 3, 4], ("--header", "--label", "0")),
        ("label,a,b,label,c,d", [0, 1, 2, 0, 3, 4], ("--drop", "3")),
        ("label,a,b,y,n o,c,d", [0, 1, 2, 0, 0, 3, 4], ("--drop", "y, n o")),
    ],
)
def test_a_csv_file_of_any_form(cli, tmp_path, model, command, names, columns, options):
    path = write(tmp_path / "some.csv", table()[:, columns], names)
    output = cli.output(*commands(model)[command], "--dataset", path, *options)
    assert {
        "train": "some.csv, 4-50-2 relu, numpy: 28 training and 12 test images",
        "evaluate": "some.csv accuracy ",
        "bench": "4-4-2, batch 10 28 4 1.0",
    }[command] in output


@pytest.mark.parametrize("command", ["train", "evaluate", "bench"])
@pytest.mark.parametrize("options", [(), ("--label", "6"), ("--label", "0")])
def test_a_csv_file_without_a_header_says_what_to_write(cli, tmp_path, model, command, options):
    path = write(tmp_path / "some.csv", table())
    line = cli.error(*commands(model)[command], "--dataset", path, *options)
    assert "some.csv, line 1: expected a header" in line
    assert "found what looks like data (0, 4" in line
    assert "--no-header" in line


@pytest.mark.parametrize("command", ["train", "evaluate", "bench"])
@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--label", "digit"), "--label"),
        (("--label", "0", "--drop", "id"), "--label, --drop"),
        (("--no-header",), "--no-header"),
        (("--header",), "--header"),
    ],
)
@pytest.mark.parametrize("dataset", ["digits", "mnist", "."])
def test_other_data_sets_have_no_columns(cli, model, command, options, named, dataset):
    result = cli(*commands(model)[command], "--dataset", dataset, *options)
    assert result.exit_code == 2
    assert f"{named} describes a CSV file, but --dataset is {dataset}; leave it out" in result.stderr


def test_wrong_columns_are_one_line(cli, tmp_path):
    path = write(tmp_path / "some.csv", table(), "label,a,b,c,d")
    assert "no column is called 'label'" in cli.error(
        *TRAIN, "--dataset", path, "--no-header", "--label", "label"
    )
    assert "expected a column named 'id'" in cli.error(*TRAIN, "--dataset", path, "--drop", "id")
    assert "expected a column 9, counted from 0" in cli.error(*TRAIN, "--dataset", path, "--label", "9")


def test_the_log_of_a_run_holds_them(cli, tmp_path):
    path = write(tmp_path / "some.csv", np.column_stack([np.arange(40), table()]))
    cli.output(*TRAIN, "--dataset", path, "--no-header", "--drop", "0", "--label", "1", "--log", "run.jsonl")
    options = json.loads((tmp_path / "run.jsonl").read_text().splitlines()[0])["options"]
    assert (options["header"], options["label"], options["drop"]) == (False, 1, [0])


def test_choose_takes_them_too(cli, tmp_path):
    path = write(tmp_path / "some.csv", table())
    arguments = ("bench", "--choose", "--case", "4@10", "--dataset", path, "--no-header", "--label", "0")
    assert cli.output(*arguments).startswith("4-4-2, batch 10: ")


def idx_folder(folder, *parts):
    folder.mkdir()
    for part, rows in parts:
        images = rows[:, 1:].astype(np.uint8).tobytes()
        labels = rows[:, 0].astype(np.uint8).tobytes()
        header = struct.pack(">4B3I", 0, 0, 8, 3, len(rows), 2, 2)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(header + images)
        header = struct.pack(">4BI", 0, 0, 8, 1, len(rows))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(header + labels))
    return folder


@pytest.mark.parametrize("command", ["train", "evaluate", "bench"])
def test_a_folder_of_idx_files(cli, tmp_path, model, monkeypatch, command):
    monkeypatch.setenv("XPNET_DATA", str(tmp_path / "nowhere"))
    folder = idx_folder(tmp_path / "mine", ("train", table(30)), ("t10k", table(10)))
    output = cli.output(*commands(model)[command], "--dataset", folder)
    assert {
        "train": "mine, 4-50-2 relu, numpy: 30 training and 10 test images",
        "evaluate": " of 30)\ntest accuracy ",
        "bench": "4-4-2, batch 10 30 4 ",
    }[command] in output


def test_a_test_part_alone_is_evaluated_and_not_trained_on(cli, tmp_path, model):
    folder = idx_folder(tmp_path / "mine", ("t10k", table(10)))
    output = cli.output(*commands(model)["evaluate"], "--dataset", folder)
    assert output.startswith("test accuracy ")
    assert "train accuracy" not in output
    for command in ("train", "bench"):
        line = cli.error(*commands(model)[command], "--dataset", folder)
        assert "mine holds a test part alone; training needs train-images and train-labels too" in line


def test_files_that_are_there_and_those_that_can_be_given_are_listed(cli):
    lines = cli.output("datasets").splitlines()
    assert lines[-2].startswith("A path that ends in .csv is a data set too")
    assert lines[-1].startswith("So is a folder of IDX files: train-images-idx3-ubyte")
    assert "or a folder of IDX files (train-images-idx3-ubyte, ...)" in cli.error(
        "train", "--dataset", "nope"
    )
