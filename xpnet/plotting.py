"""Drawing a training run with matplotlib (the extra `plot`), imported only when asked."""

from __future__ import annotations

import importlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from xpnet._atomic import write_atomically
from xpnet.training.history import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_plot_path", "plot_history"]

_TRAIN, _TEST = "tab:blue", "tab:orange"
_LEAST_PERCENT = 2.0
"""The least range of the accuracies' axis: less would blow chance up."""
_LOG_FROM = 20
"""How far the mean loss must fall for a logarithmic axis."""


def plot_history(history: History, path: str | Path | None = None, title: str | None = None) -> Figure:
    """Draw the loss of every step, and the accuracies of every epoch where there are any.

    Parameters
    ----------
    history : History
        What `net.fit` returned.
    path : str or Path, optional
        A file to write; its suffix chooses the format (.png, .svg, .pdf, ...).
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        Made without pyplot: it changes no global state and needs no screen. A notebook shows its picture.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed; says how to install it.
    ValueError
        If matplotlib cannot write files of that suffix; lists the ones it can.
    """
    if path is not None:
        check_plot_path(path)
    with_accuracy = bool(history.train_accuracy or history.test_accuracy)
    figure: Figure = _figure_class()(figsize=(10 if with_accuracy else 6, 4.2), layout="constrained")
    axes = figure.subplots(1, 2 if with_accuracy else 1, squeeze=False)[0]
    _draw_loss(axes[0], np.asarray(history.loss, np.float64))
    if with_accuracy:
        _draw_accuracy(axes[1], history)
    if title:
        figure.suptitle(title)
    if path is not None:
        picture = io.BytesIO()
        figure.savefig(picture, format=Path(path).suffix[1:].lower(), dpi=150)
        write_atomically(Path(path), picture.getvalue())
    return figure


def check_plot_path(path: str | Path) -> None:
    """Raise what `plot_history` would raise for this path.

    Raises
    ------
    ModuleNotFoundError, ValueError
        As `plot_history`.
    """
    formats = _figure_class()().canvas.get_supported_filetypes()
    if Path(path).suffix[1:].lower() not in formats:
        choices = ", ".join(f".{name}" for name in sorted(formats))
        raise ValueError(f"{str(path)!r}: matplotlib writes no such file; end the name in one of {choices}")


def _figure_class() -> Any:
    try:
        importlib.import_module("matplotlib.figure")
        return importlib.import_module("xpnet._notebook_figure").NotebookFigure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f'a plot needs matplotlib ({error}): pip install "matplotlib>=3.9"', name=error.name
        ) from None


def running_mean(values: npt.NDArray[np.float64], width: int) -> npt.NDArray[np.float64]:
    """Return the mean of each value and the up to `width` - 1 before it."""
    sums = np.cumsum(np.concatenate([[0.0], values]))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - width, 0)
    means: npt.NDArray[np.float64] = (sums[ends] - sums[starts]) / (ends - starts)
    return means


def _draw_loss(axes: Any, loss: npt.NDArray[np.float64]) -> None:
    axes.set(xlabel="step (one batch)", ylabel="training loss (mean of the batch)", title="Loss")
    axes.grid(alpha=0.3)
    if not len(loss):
        return
    steps = np.arange(1, len(loss) + 1)
    width = max(1, len(loss) // 50)
    with np.errstate(invalid="ignore"):  # an infinite loss has no mean
        mean = running_mean(loss, width)
    if width > 1:
        axes.plot(steps, loss, color=_TRAIN, alpha=0.25, linewidth=0.8, label="one step")
        axes.plot(steps, mean, color=_TRAIN, linewidth=1.8, label=f"mean of the last {width} steps")
    else:
        axes.plot(steps, loss, color=_TRAIN, marker=".", label="one step")
    if np.all(np.isfinite(loss)) and loss.min() > 0 and mean.max() > _LOG_FROM * mean.min():
        axes.set_yscale("log")
        # Single lucky batches would stretch the axis downwards and press the mean into its top.
        axes.set_ylim(bottom=max(loss.min() / 2, mean.min() / 10))
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.legend(loc="upper right")


def _draw_accuracy(axes: Any, history: History) -> None:
    drawn = []
    for name, accuracy, color in (
        ("training", history.train_accuracy, _TRAIN),
        ("test", history.test_accuracy, _TEST),
    ):
        if accuracy:
            numbers = [epoch.number for epoch in history.epochs][-len(accuracy) :]
            percent = 100 * np.asarray(accuracy)
            label = f"{name}, {percent[-1]:.2f} % at the end"
            axes.plot(numbers, percent, color=color, marker="o", markersize=4, label=label)
            drawn.append(percent)
    axes.set(xlabel="epoch", ylabel="accuracy (%)", title="Accuracy")
    axes.set_xlim(0.5, len(history.epochs) + 0.5)
    axes.set_ylim(*_percent_range(np.concatenate(drawn)))
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")


def _percent_range(percent: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the limits of the axis: some air around the points, and room for the legend under them."""
    low, high = float(percent.min()), float(percent.max())
    missing = max(0.0, _LEAST_PERCENT - (high - low))
    low, high = low - missing / 2, high + missing / 2
    span = high - low
    return low - 0.25 * span, min(high + 0.1 * span, 100 + 0.05 * span)
