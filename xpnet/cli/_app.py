"""The command `xpnet`, which holds all others."""

from __future__ import annotations

import warnings
from typing import TextIO

import click

import xpnet
from xpnet.cli._errors import OneLineErrors
from xpnet.cli._options import examples
from xpnet.cli.backends import backends
from xpnet.cli.bench import bench
from xpnet.cli.datasets import datasets
from xpnet.cli.evaluate import evaluate
from xpnet.cli.predict import predict
from xpnet.cli.train import train
from xpnet.cli.warmup import warmup

_WIDTH = 100


_EXAMPLES = examples(
    """
    xpnet train                             the built-in digits, in seconds
    xpnet train --dataset mnist --save mnist.safetensors
    xpnet evaluate mnist.safetensors --dataset mnist
    xpnet predict mnist.safetensors seven.png
    """
)


@click.group(
    epilog=_EXAMPLES,
    cls=OneLineErrors,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _WIDTH},
)
@click.version_option(xpnet.__version__, prog_name="xpnet", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Train neural networks on the CPU or the GPU, and use them.

    XPNET_BACKEND chooses the backend where --backend does not; XPNET_DATA names the folder of the data sets.
    """
    ctx.with_resource(warnings.catch_warnings())
    warnings.showwarning = _show_in_one_line


def _show_in_one_line(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Write a warning without the line of code that it came from."""
    click.echo(f"xpnet: {str(message).removeprefix('xpnet: ')}", err=True)


for _command in (train, evaluate, predict, backends, datasets, bench, warmup):
    main.add_command(_command)
