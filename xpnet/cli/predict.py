"""`xpnet predict`: which class an image is."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from xpnet.cli._images import read_images
from xpnet.cli._nets import load_classifier
from xpnet.cli._options import MODEL, backend_option, examples, take_backend

_SHOWN = 3


_EXAMPLES = examples(
    """
    xpnet predict mnist.safetensors seven.png three.png
    xpnet predict mnist.safetensors --invert scan.png
    xpnet predict digits.safetensors batch.npy
    """
)


@click.command(epilog=_EXAMPLES, short_help="Which class an image is.")
@click.argument("model", type=MODEL)
@click.argument(
    "images", nargs=-1, required=True, metavar="IMAGE...", type=click.Path(exists=True, dir_okay=False)
)
@click.option(
    "--invert",
    is_flag=True,
    help="For dark strokes on a light ground (a scan): swap dark and light. The nets of digits and mnist "
    "know light strokes on a dark ground.",
)
@backend_option
@click.pass_context
def predict(
    ctx: click.Context, model: Path, images: tuple[str, ...], invert: bool, backend: str | None
) -> None:
    """Print the class that the net in MODEL takes each IMAGE for, its probability, and the next two.

    A picture (PNG or JPEG; needs pillow) is made grey, put on a dark square and brought to the net's size;
    transparent parts count as white. A .npy file holds one image or a batch: uint8 0..255, or floats 0..1.
    """
    take_backend(ctx, backend)
    classifier = load_classifier(model)
    for name in images:
        x = read_images(Path(name), classifier.inputs, invert)
        rows = classifier.probabilities(x)
        for number, row in enumerate(rows):
            label = name if len(rows) == 1 else f"{name}[{number}]"
            click.echo(f"{label}: {_ranking(row)}")
        _hint_at_ground(name, x, invert)


def _ranking(row: npt.NDArray[np.floating]) -> str:
    best, *others = [f"{label} ({row[label]:.4f})" for label in np.argsort(-row, kind="stable")[:_SHOWN]]
    return f"{best}, then {', '.join(others)}" if others else best


def _hint_at_ground(name: str, x: npt.NDArray[np.float32], invert: bool) -> None:
    """Say it if the first image seems to be dark on light; the user decides."""
    side = int(x.shape[1] ** 0.5)
    if side * side != x.shape[1]:
        return
    image = x[0].reshape(side, side)
    border = np.concatenate([image[0], image[-1], image[1:-1, 0], image[1:-1, -1]])
    if np.median(border) > 0.5:
        change = "without --invert" if invert else "with --invert"
        click.echo(f"xpnet: {name} is dark on light; if the net knows light on dark, try {change}", err=True)
