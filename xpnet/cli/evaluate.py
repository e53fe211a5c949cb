"""`xpnet evaluate`: how good a saved net is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from xpnet.cli._errors import Failure
from xpnet.cli._nets import Classifier, load_classifier
from xpnet.cli._options import (
    MODEL,
    backend_option,
    class_count,
    dataset_option,
    examples,
    is_csv,
    load_dataset,
    take_backend,
)
from xpnet.cli._table import table
from xpnet.datasets import Dataset, Split

_Labels = npt.NDArray[np.integer]


_EXAMPLES = examples(
    """
    xpnet evaluate digits.safetensors
    xpnet evaluate mnist.safetensors --dataset mnist --backend cpu
    """
)


@click.command(epilog=_EXAMPLES, short_help="How good a saved net is.")
@click.argument("model", type=MODEL)
@dataset_option("digits")
@backend_option
@click.pass_context
def evaluate(ctx: click.Context, /, model: Path, dataset: str, backend: str | None, **csv: Any) -> None:
    """Print the accuracy of the net in MODEL on a data set, and of each class.

    A CSV file is taken whole. Images are scaled as those that the net was trained on.
    """
    take_backend(ctx, backend)
    classifier = load_classifier(model)
    data = _loaded(classifier, dataset, csv)
    _check_fit(classifier, data, dataset)
    for name, (x, t) in _parts(data, dataset).items():
        y = classifier.probabilities(x).argmax(axis=1)
        click.echo(f"{name} accuracy {np.mean(y == t):.4f} ({np.sum(y == t)} of {len(t)})")
    click.echo()
    click.echo(_by_class(y, t))


def _loaded(classifier: Classifier, dataset: str, csv: dict[str, Any]) -> Dataset:
    """Return a data set: raw for the net to scale, unless the loader scales by the same range."""
    scale = classifier.net.input_range
    if is_csv(dataset):
        return load_dataset(dataset, **csv, test_fraction=0, normalize=scale is None)
    data = load_dataset(dataset, **csv)
    return data if scale in (None, data.input_range) else load_dataset(dataset, **csv, normalize=False)


def _parts(data: Dataset, dataset: str) -> dict[str, Split]:
    """Return the parts that hold images by name; a CSV file is one part, called as it is."""
    if is_csv(dataset):
        return {Path(dataset).name: data.train}
    return {name: part for name, part in data._asdict().items() if len(part.t)}


def _check_fit(classifier: Classifier, data: Dataset, dataset: str) -> None:
    inputs = data.train.x.shape[1]
    if inputs != classifier.inputs:
        raise Failure(
            f"{classifier.path} takes images of {classifier.inputs} pixels but those of {dataset} have "
            f"{inputs}; give the data set it was trained on with --dataset"
        )
    classes = class_count(data)
    if classes > classifier.classes:
        raise Failure(
            f"{classifier.path} tells {classifier.classes} classes apart but {dataset} has {classes}; give "
            "the data set it was trained on with --dataset"
        )


def _by_class(y: _Labels, t: _Labels) -> str:
    """Return the test accuracy of each class, and what its images are most often taken for."""
    rows = [("class", "accuracy", "right", "most often taken for")]
    for label in np.unique(t):
        taken = np.bincount(y[t == label])
        right = int(taken[label]) if label < len(taken) else 0
        count = int(taken.sum())
        taken[label : label + 1] = 0
        wrong = f"{taken.argmax()} ({taken.max()})" if taken.any() else ""
        rows.append((str(label), f"{right / count:.4f}", f"{right} of {count}", wrong))
    return table(rows, right=(0, 1, 2))
