"""What a user did wrong is one line and an exit code, before any work; our defects stay tracebacks."""

import os
import sys

import pytest

import xpnet
from xpnet.cli import _training


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("train", "--backend", "nonsense"), 2, "'nonsense' is not one of 'numpy', 'numba'"),
        (("train", "--hidden", "5,x"), 2, "'5,x'; give whole numbers above 0"),
        (("train", "--hidden", "0"), 2, "give whole numbers above 0"),
        (("train", "--hidden", ""), 2, "give whole numbers above 0"),
        (("train", "--learning-rate", "0"), 2, "lr is 0.0; it must be a finite number above 0"),
        (("train", "--learning-rate", "-1", "--optimizer", "adam"), 2, "lr is -1.0"),
        (("train", "--learning-rate", "nan"), 2, "lr is nan"),
        (("train", "--learning-rate", "fast"), 2, "'fast' is not a valid float"),
        (("train", "--optimizer", "nope"), 2, "'nope' is not one of 'sgd'"),
        (("train", "--activation", "nope"), 2, "'nope' is not one of 'relu'"),
        (("train", "--epochs", "0"), 2, "0 is not in the range x>=1"),
        (("train", "--batch-size", "0"), 2, "0 is not in the range x>=1"),
        (("train", "--seed", "-1"), 2, "-1 is not in the range x>=0"),
        (("train", "--dataset", "nope"), 2, "no data set is called 'nope'; give one of digits, mnist"),
        (("train", "--dataset", "none.csv"), 1, "none.csv"),
        (("train", "--dataset", "bad.csv"), 1, "bad.csv, line 3"),
        (("train", "--hidden", "9999999999999"), 1, "9999999999999"),
        (("train", "--nope"), 2, "No such option '--nope'"),
        (("nope",), 2, "No such command 'nope'"),
        (("--nope",), 2, "No such option '--nope'"),
        (("bench", "--backends", ""), 2, "is empty; give names with commas between them"),
        (("evaluate", "none"), 2, "'none' does not exist"),
        (("evaluate", "bad.csv"), 1, "bad.csv is not a file written by net.save: it looks like text"),
        (("evaluate",), 2, "Missing argument 'MODEL'"),
        (("predict", "bad.csv"), 2, "Missing argument 'IMAGE...'"),
    ],
)
def test_a_wrong_value_is_one_line(cli, tmp_path, arguments, code, words):
    (tmp_path / "bad.csv").write_text("label,a,b,c,d\n1,2,3,4,5\n0,1,2,3\n")
    assert words in cli.error(*arguments)
    assert cli(*arguments).exit_code == code


def test_an_unknown_backend_in_the_environment_is_one_line(cli, monkeypatch):
    monkeypatch.setenv("XPNET_BACKEND", "nonsense")
    assert "XPNET_BACKEND=nonsense: unknown backend" in cli.error("train")


def test_a_wrong_number_of_threads_is_not_laid_to_the_backend(cli, monkeypatch):
    monkeypatch.setenv("XPNET_NUM_THREADS", "abc")
    assert cli.error("train").startswith(
        "Error: XPNET_NUM_THREADS is 'abc'; it must be a whole number above 0"
    )
    monkeypatch.setenv("XPNET_BACKEND", "cpu")
    assert cli.error("train").startswith("Error: XPNET_NUM_THREADS is 'abc'")


def test_a_gpu_that_is_required_and_absent_is_one_line(cli):
    if next(status for status in xpnet.backends() if status.name == "numba-cuda").usable:
        pytest.skip("there is a GPU here")
    assert "backend 'numba-cuda' cannot be used here: " in cli.error("train", "--backend", "gpu")


def test_a_diverged_training_is_one_line_without_numpys_warnings(cli):
    line = cli.error("train", "--backend", "numpy", "--learning-rate", "1e30", "--seed", "0")
    assert "the loss became NaN at step" in line


@pytest.fixture
def no_training(monkeypatch):
    """Fail if it comes to training."""

    def forbidden(*arguments, **options):
        raise AssertionError("it came to training")

    monkeypatch.setattr(_training, "MultiLayerNet", forbidden)


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("option", ["--save", "--plot", "--log"])
class TestOutputsAreCheckedFirst:
    def test_a_missing_folder(self, cli, option):
        assert "does not exist; make it first" in cli.error("train", option, "no/folder/x.png")

    def test_a_folder(self, cli, tmp_path, option):
        (tmp_path / "x.png").mkdir()
        assert "is a folder or a device" in cli.error("train", option, "x.png")

    def test_a_device_is_not_replaced(self, cli, option):
        if not os.path.exists("/dev/null"):
            pytest.skip("there is no /dev/null here")
        assert "is a folder or a device" in cli.error("train", option, "/dev/null")

    def test_a_folder_that_cannot_be_written_to(self, cli, monkeypatch, option):
        # A test may run as root, whom permissions do not stop.
        def refuse(dir):
            raise PermissionError(13, "Permission denied", dir)

        monkeypatch.setattr("tempfile.TemporaryFile", refuse)
        assert "cannot be written to: Permission denied" in cli.error("train", option, "x.png")

    def test_one_file_for_two(self, cli, option):
        other = "--log" if option == "--save" else "--save"
        assert "two are the same" in cli.error("train", option, "x.png", other, "./x.png")


@pytest.mark.usefixtures("no_training")
def test_a_plot_of_no_known_format_is_refused_first(cli):
    assert "end the name in one of" in cli.error("train", "--plot", "plot")
    assert ".png" in cli.error("train", "--plot", "plot.nope")


@pytest.mark.usefixtures("no_training")
def test_a_plot_without_matplotlib_is_refused_first(cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert 'pip install "matplotlib>=3.9"' in cli.error("train", "--plot", "plot.png")


def test_a_refused_run_leaves_the_old_log_alone(cli, tmp_path):
    (tmp_path / "run.jsonl").write_text("old")
    cli.error("train", "--log", "run.jsonl", "--dataset", "nope")
    assert (tmp_path / "run.jsonl").read_text() == "old"


@pytest.mark.parametrize("defect", [ValueError, TypeError, KeyError])
def test_a_defect_of_ours_stays_a_traceback(cli, monkeypatch, defect):
    def broken(name):
        raise defect("a defect")

    monkeypatch.setattr(_training, "recipe_for", broken)
    with pytest.raises(defect):
        cli("train")
