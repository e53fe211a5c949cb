"""The options and types of value that commands share."""

from __future__ import annotations

import os
import re
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

import xpnet
from xpnet._backends import CHOICES
from xpnet.cli._errors import Failure, WrongValue, user_values
from xpnet.datasets import Dataset
from xpnet.plotting import check_plot_path

_Command = TypeVar("_Command", bound=Callable[..., Any])


def backend_option(command: _Command) -> _Command:
    """Add `--backend`."""
    return click.option(
        "--backend",
        type=click.Choice(CHOICES),
        help="Where to compute. cpu is numba, gpu requires a GPU (numba-cuda), auto prefers one.  "
        "[default: XPNET_BACKEND, else auto]",
    )(command)


def dataset_option(default: str) -> Callable[[_Command], _Command]:
    """Add `--dataset`, and what describes a CSV file: `--label`, `--header/--no-header` and `--drop`."""
    options = (
        click.option(
            "--dataset",
            default=default,
            show_default=True,
            metavar="NAME|FILE.csv|FOLDER",
            help="A data set by name (see: xpnet datasets), a CSV file with a column of labels and pixels "
            "0..255, or a folder of IDX files (train-images-idx3-ubyte, ...).",
        ),
        click.option(
            "--label",
            type=_column,
            metavar="NAME|NUMBER",
            help="The CSV file's column of labels, by name or counted from 0 (-1 is the last).  "
            "[default: label, or 0 without a header]",
        ),
        click.option(
            "--header/--no-header",
            default=None,
            help="Whether the first line of the CSV file names the columns.  [default: told by its content]",
        ),
        click.option(
            "--drop",
            type=_columns,
            default="",
            metavar="NAME|NUMBER,...",
            help="Columns of the CSV file to leave out, such as an index or an id.",
        ),
    )

    def add(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _column(value: str) -> str | int:
    """Return a column's number, or its name where the text is no whole number."""
    return int(value) if re.fullmatch(r"-?[0-9]{1,9}", value) else value


def _columns(value: str) -> tuple[str | int, ...]:
    return tuple(_column(name.strip()) for name in value.split(",") if name.strip())


def examples(lines: str) -> str:
    """Return the end of a help text: command lines as they are, unwrapped."""
    return "\b\nExamples:\n" + textwrap.indent(textwrap.dedent(lines).strip("\n"), "  ")


MODEL = click.Path(exists=True, dir_okay=False, path_type=Path)
"""The file of a saved net."""


def plot_path(ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
    """Check that a plot can be made, before there is something to plot."""
    if path is not None:
        try:
            check_plot_path(path)
        except (ImportError, ValueError) as error:
            raise click.BadParameter(str(error), ctx, param) from None
    return path


def take_backend(ctx: click.Context, choice: str | None) -> xpnet.Backend:
    """Put a backend in force until the command ends; without a choice, XPNET_BACKEND's or auto."""
    with user_values():
        return xpnet.current_backend() if choice is None else ctx.with_resource(xpnet.using(choice))


def is_csv(name: str) -> bool:
    """Return whether `--dataset` names a CSV file."""
    return name.lower().endswith(".csv")


def load_dataset(
    name: str,
    *,
    label: str | int | None = None,
    header: bool | None = None,
    drop: tuple[str | int, ...] = (),
    to_train: bool = False,
    **how: Any,
) -> Dataset:
    """Load a data set: images as rows (N, D), float32 in 0..1 by default, labels (N,) int64.

    Parameters
    ----------
    name : str
        What `--dataset` says.
    label, header, drop : optional
        What `--label`, `--header/--no-header` and `--drop` say; for CSV files.
    to_train : bool, optional
        Whether there must be a training part.
    **how
        Other arguments of the loader.

    Raises
    ------
    WrongValue
        There is no such data set, or it is no CSV file and an option describes one.
    Failure
        It has no training part.
    DatasetError
        Its files are missing, damaged or not what they should be.
    """
    flags: dict[str, Any] = {}
    if label is not None:
        flags["label"] = label
    if header is not None:
        flags["header"] = 0 if header else None
    if drop:
        flags["drop"] = drop
    if flags and not is_csv(name):
        given = {"header": "--header" if header else "--no-header"}
        options = ", ".join(given.get(flag, f"--{flag}") for flag in flags)
        raise WrongValue(f"{options} describes a CSV file, but --dataset is {name}; leave it out")
    with user_values():
        data = xpnet.datasets.load(name, **flags, **how)
    if to_train and not len(data.train.t):
        raise Failure(f"{name} holds a test part alone; training needs train-images and train-labels too")
    return data


def class_count(data: Dataset) -> int:
    """Return the number of classes: one more than the largest label of either part."""
    return 1 + max(int(part.t.max(initial=-1)) for part in data)


def hidden_sizes(value: str) -> tuple[int, ...]:
    """Return the widths of the hidden layers: `50`, `256,128`, or `none` for a linear classifier."""
    if value.strip().lower() == "none":
        return ()
    try:
        sizes = tuple(int(size) for size in value.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise click.BadParameter(f"{value!r}; give whole numbers above 0, e.g. 50 or 256,128, or none")
    return sizes


def output_file(value: str) -> Path:
    """Return the path of a file to write when the work is done, once it is sure that it can be."""
    path = Path(value)
    folder = Path(os.path.realpath(path)).parent
    if path.exists() and not path.is_file():
        raise click.BadParameter(f"{value!r} is a folder or a device; give the name of a file")
    if not folder.is_dir():
        raise click.BadParameter(f"the folder {str(folder)!r} does not exist; make it first")
    try:
        # Permissions alone do not tell: a disk may be mounted read-only.
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise click.BadParameter(
            f"the folder {str(folder)!r} cannot be written to: {error.strerror}"
        ) from None
    return path
