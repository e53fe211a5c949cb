"""The options and types of value that commands share."""

from __future__ import annotations

import os
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

import xpnet
from xpnet._backends import CHOICES
from xpnet.cli._errors import user_values
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


def dataset_option(command: _Command) -> _Command:
    """Add `--dataset`."""
    return click.option(
        "--dataset",
        default="digits",
        show_default=True,
        metavar="NAME|FILE.csv",
        help="A data set by name (see: xpnet datasets), or a CSV file: a header, a column named label, "
        "pixels 0..255.",
    )(command)


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


def load_dataset(name: str) -> Dataset:
    """Load a data set: images as rows (N, D) float32 in 0..1, labels (N,) int64."""
    with user_values():
        return xpnet.datasets.load(name)


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
