"""The drawing of a training run."""

import sys

import numpy as np
import pytest

from xpnet import Epoch, History
from xpnet.plotting import plot_history, running_mean


def history(epochs, steps=50, floor=0.05):
    count = max(epochs, 1) * steps
    noise = np.random.default_rng(0).uniform(0.9, 1.1, count)
    loss = (floor + 2.3 * np.exp(-np.arange(count) / steps)) * noise
    rows = [Epoch(n, 1 / n, 1 - 0.2 / n, 1 - 0.3 / n, 0.5) for n in range(1, epochs + 1)]
    return History([float(value) for value in loss], rows)


@pytest.mark.parametrize("epochs", [1, 2, 16])
def test_both_panels_say_what_they_show(epochs):
    figure = plot_history(history(epochs), title="digits, 64-50-10, numpy")
    loss, accuracy = figure.axes
    assert figure.get_suptitle() == "digits, 64-50-10, numpy"
    assert loss.get_xlabel() == "step (one batch)"
    assert loss.get_ylabel() == "training loss (mean of the batch)"
    assert (accuracy.get_xlabel(), accuracy.get_ylabel()) == ("epoch", "accuracy (%)")
    labels = [text.get_text() for text in accuracy.get_legend().get_texts()]
    assert labels == [
        f"training, {100 - 20 / epochs:.2f} % at the end",
        f"test, {100 - 30 / epochs:.2f} % at the end",
    ]


@pytest.mark.parametrize("epochs", [1, 2, 16])
def test_the_lines_are_the_history(epochs):
    told = history(epochs)
    loss, accuracy = plot_history(told).axes
    np.testing.assert_array_equal(loss.lines[0].get_xdata(), np.arange(1, len(told.loss) + 1))
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), told.loss)
    train, test = accuracy.lines
    np.testing.assert_array_equal(train.get_xdata(), np.arange(1, epochs + 1))
    np.testing.assert_allclose(train.get_ydata(), 100 * np.array(told.train_accuracy))
    np.testing.assert_allclose(test.get_ydata(), 100 * np.array(told.test_accuracy))


@pytest.mark.parametrize("epochs", [1, 2, 16])
def test_the_points_are_inside_and_the_ticks_are_whole_epochs(epochs):
    accuracy = plot_history(history(epochs)).axes[1]
    low, high = accuracy.get_ylim()
    for line in accuracy.lines:
        assert all(low < value < high for value in line.get_ydata())
    ticks = [tick for tick in accuracy.get_xticks() if 1 <= tick <= epochs]
    assert ticks
    assert all(tick == round(tick) for tick in accuracy.get_xticks())


def test_one_epoch_of_near_accuracies_is_not_blown_up():
    near = History([1.0], [Epoch(1, 1.0, 0.9157, 0.9184, 0.1)])
    low, high = plot_history(near).axes[1].get_ylim()
    assert high - low >= 2


def test_a_running_mean_is_the_mean_of_the_last_values():
    values = np.random.default_rng(0).standard_normal(20)
    expected = [values[max(0, end - 6) : end].mean() for end in range(1, 21)]
    np.testing.assert_allclose(running_mean(values, 6), expected)


def test_a_loss_that_falls_far_has_a_logarithmic_axis():
    assert plot_history(history(16, floor=1e-3)).axes[0].get_yscale() == "log"
    assert plot_history(history(16, floor=1.0)).axes[0].get_yscale() == "linear"


@pytest.mark.parametrize("bad", [0.0, -1.0, float("inf")])
def test_a_loss_that_has_no_logarithm_has_a_linear_axis(bad):
    told = history(16, floor=1e-3)
    told.loss[5] = bad
    assert plot_history(told).axes[0].get_yscale() == "linear"


def test_a_run_without_accuracies_has_one_panel():
    regression = History([1.0, 0.5], [Epoch(1, 0.75, None, None, 0.1)])
    assert len(plot_history(regression).axes) == 1
    assert len(plot_history(history(0)).axes) == 1
    assert len(plot_history(History()).axes) == 1


def test_a_run_without_a_test_part_has_one_line():
    accuracy = plot_history(History([1.0], [Epoch(1, 1.0, 0.5, None, 0.1)])).axes[1]
    assert [text.get_text() for text in accuracy.get_legend().get_texts()] == ["training, 50.00 % at the end"]


@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG"), ("a.PDF", b"%PDF"), ("a.svg", b"<?xml")])
def test_the_suffix_chooses_the_format(tmp_path, name, start):
    plot_history(history(2), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a", "a.nope"])
def test_an_unknown_suffix_lists_the_known_ones(tmp_path, name):
    with pytest.raises(ValueError, match=r"end the name in one of .*\.png"):
        plot_history(history(1), tmp_path / name)


def test_without_matplotlib_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "matplotlib>=3\.9"'):
        plot_history(history(1))


def test_no_global_state_of_pyplot_is_touched(monkeypatch):
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    plot_history(history(1))
    assert "matplotlib.pyplot" not in sys.modules
