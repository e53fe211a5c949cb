"""`xpnet predict`: which class an image is."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from xpnet._input_range import PIXELS
from xpnet.cli._nets import load_classifier
from xpnet.cli._options import MODEL, backend_option, examples, take_backend
from xpnet.cli.pictures import as_blocks, prepare

_SHOWN = 3


_EXAMPLES = examples(
    """
    xpnet predict mnist.safetensors seven.png three.png
    xpnet predict mnist.safetensors --show photo.jpg
    xpnet predict shirts.safetensors --no-frame --invert shirt.png
    xpnet predict digits.safetensors batch.npy
    """
)


@click.command(epilog=_EXAMPLES, short_help="Which class an image is.")
@click.argument("model", type=MODEL)
@click.argument(
    "images", nargs=-1, required=True, metavar="IMAGE...", type=click.Path(exists=True, dir_okay=False)
)
@click.option(
    "--frame/--no-frame",
    default=True,
    show_default=True,
    help="Find the digit in a picture and bring it into the form of MNIST (nets of 784 inputs) or of the "
    "digits (64 inputs): cut, scaled, centred. With --no-frame a picture is only resized, which suits nets "
    "of other things than digits.",
)
@click.option(
    "--invert/--no-invert",
    default=None,
    help="Swap dark and light, or do not: the nets of digits and mnist know light strokes on a dark ground.  "
    "[default: decided for each picture that is framed; else no]",
)
@click.option("--show", is_flag=True, help="Print each image as the net sees it.")
@backend_option
@click.pass_context
def predict(
    ctx: click.Context,
    model: Path,
    images: tuple[str, ...],
    frame: bool,
    invert: bool | None,
    show: bool,
    backend: str | None,
) -> None:
    """Print the class that the net in MODEL takes each IMAGE for, its probability, and the next two.

    A picture (PNG, JPEG, BMP, GIF or WebP; needs pillow) is turned upright and made grey. A drawn digit may
    lie anywhere, in any size, dark on light or light on dark, or on a transparent ground: what was done to it
    is said on stderr. A .npy file holds one image or a batch: floats 0..1, or uint8 in the range of the data
    that the net was trained on (0..255 where the net does not know); images of the net's size are taken as
    they are.
    """
    take_backend(ctx, backend)
    classifier = load_classifier(model)
    raw = classifier.net.input_range or PIXELS
    for name in images:
        x, notes = prepare(Path(name), classifier.inputs, invert=invert, frame=frame, input_range=raw)
        if notes:
            click.echo(f"xpnet: {name}: {', '.join(notes)}", err=True)
        for number, row in enumerate(classifier.probabilities(x)):
            label = name if len(x) == 1 else f"{name}[{number}]"
            if show:
                click.echo(as_blocks(_square(x[number]), sys.stdout.encoding))
            click.echo(f"{label}: {_ranking(row, classifier.names)}")


def _square(row: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    side = math.isqrt(row.size)
    return row.reshape(side, side) if side * side == row.size else row.reshape(1, -1)


def _ranking(row: npt.NDArray[np.floating], names: list[str]) -> str:
    first = np.argsort(-row, kind="stable")[:_SHOWN]
    best, *others = [f"{names[label]} ({row[label]:.4f})" for label in first]
    return f"{best}, then {', '.join(others)}" if others else best
