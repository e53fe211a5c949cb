"""`xpnet bench`: how fast each backend trains here, and how that compares with other libraries."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from xpnet.bench.session import STANDARD
from xpnet.bench.threads import available
from xpnet.cli._benchmark import Benchmark, Request
from xpnet.cli._options import dataset_option, examples, output_file, plot_path

_EXAMPLES = examples(
    """
    xpnet bench                                 the usable backends, on MNIST
    xpnet bench --vs torch,jax,sklearn --json here.json --plot here.png
    xpnet bench --case 50@100 --case 256,128@128 --runs 2
    xpnet bench --choose --case 1024,1024@256   which backend is the quickest for this net
    """
)


BESIDE_CHOOSE = "--dataset", "--label", "--header", "--drop", "--case", "--no-zeros"
"""What means something where only the quickest backend is asked for."""


def _names(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Split a list of names at its commas."""
    if value is None:
        return None
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    if not names:
        raise click.BadParameter("is empty; give names with commas between them, or leave the option out")
    return names


@click.command(epilog=_EXAMPLES, short_help="How fast each backend trains here.")
@click.option("--backends", metavar="NAME,...", callback=_names, help="Backends.  [default: all usable ones]")
@click.option(
    "--vs",
    metavar="NAME,...",
    callback=_names,
    help="Rivals to compare with, those that are installed: torch, jax, sklearn, tinygrad.",
)
@dataset_option("mnist")
@click.option(
    "--case",
    "cases",
    multiple=True,
    metavar="N,N@BATCH",
    default=("50@100",),
    show_default=True,
    help=f"Hidden widths and batch size; may be repeated. all means {', '.join(STANDARD)}.",
)
@click.option(
    "--epochs", type=click.IntRange(min=5), default=9, show_default=True, help="Timed epochs of each."
)
@click.option(
    "--no-zeros", is_flag=True, help="Put 0.1 for inputs of 0, which xpnet's compiled epochs leave out."
)
@click.option("--samples", type=click.IntRange(min=1), help="Training images of an epoch.  [default: all]")
@click.option(
    "--threads",
    type=click.IntRange(min=1, max=available()),
    default=available(),
    show_default="the cores there are",
    help="Threads of every contestant.",
)
@click.option(
    "--runs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Do it so often, and say how far the ratios are apart.",
)
@click.option("--machine", metavar="NAME", help="What to call this machine.  [default: its processor]")
@click.option("--json", type=output_file, metavar="FILE.json", help="Write every sample here.")
@click.option("--markdown", type=output_file, metavar="FILE.md", help="Write the tables here.")
@click.option(
    "--plot",
    type=output_file,
    callback=plot_path,
    metavar="FILE.png",
    help="Draw throughput by contestant here, and against batch and width in FILE-sweep.png.",
)
@click.option(
    "--sweep/--no-sweep", default=None, help="Measure batch sizes and widths.  [default: for a plot]"
)
@click.option("--choose", is_flag=True, help="Only find the quickest backend for the case, in seconds.")
def bench(**given: Any) -> None:
    """Time an epoch of training on each backend, and on other libraries, side by side.

    All start from the same weights and see the same batches in the same order; they take turns, and every
    one is checked against a float64 reference. The exit code is 1 if one fails its checks.
    """
    if given["choose"]:
        _refuse_beside_choose(click.get_current_context())
    benchmark = Benchmark(Request(**given))
    if given["choose"]:
        benchmark.choose()
        return
    if not benchmark.run():
        raise click.exceptions.Exit(1)


def _refuse_beside_choose(ctx: click.Context) -> None:
    """Raise UsageError for options that --choose would not follow."""
    given = [
        option.opts[0]
        for option in ctx.command.params
        if ctx.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE
    ]
    if others := [option for option in given if option not in ("--choose", *BESIDE_CHOOSE)]:
        raise click.UsageError(
            f"--choose goes with {', '.join(BESIDE_CHOOSE)} only, not with {', '.join(others)}", ctx
        )
