"""`xpnet datasets`: what can be trained on, and where it comes from."""

from __future__ import annotations

import click

import xpnet
from xpnet.cli._options import examples
from xpnet.cli._table import table
from xpnet.datasets import CatalogEntry

_EXAMPLES = examples(
    """
    xpnet datasets
    XPNET_DATA=/data/mnist xpnet datasets   look there, and nowhere else
    """
)


@click.command(epilog=_EXAMPLES, short_help="What can be trained on.")
def datasets() -> None:
    """List the data sets, and where each is read from or would be downloaded from."""
    rows: list[tuple[object, ...]] = [("data set", "training", "test", "image", "classes", "where")]
    for entry in xpnet.datasets.catalog():
        image = "x".join(map(str, entry.shape[1:] if entry.shape[0] == 1 else entry.shape))
        rows.append((entry.name, entry.train, entry.test, image, entry.classes, _where(entry)))
        if entry.problem:
            rows.append(("", "", "", "", "", f"not taken: {entry.problem}"))
    click.echo(table(rows, right=(1, 2, 3, 4)))
    click.echo()
    click.echo("A path that ends in .csv is a data set too: a column of labels (--label), pixels 0..255.")
    click.echo("So is a folder of IDX files: train-images-idx3-ubyte, train-labels-idx1-ubyte, ...")


def _where(entry: CatalogEntry) -> str:
    if entry.present:
        return entry.where
    if entry.where.startswith(("http://", "https://")):
        return f"not here; would be downloaded from {entry.where}"
    return f"not in {entry.where}, the folder in XPNET_DATA"
