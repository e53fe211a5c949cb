"""The data sets by name, for the command line."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from xpnet.datasets import _digits
from xpnet.datasets._csv import from_csv
from xpnet.datasets._fashion import FASHION_MNIST, fashion_mnist
from xpnet.datasets._from_idx import from_idx
from xpnet.datasets._idx_folder import holds_idx
from xpnet.datasets._mnist import MNIST, mnist
from xpnet.datasets._obtain import locate
from xpnet.datasets._places import cache_folder, named_folder
from xpnet.datasets._spec import IdxDataset
from xpnet.datasets._types import Dataset


class CatalogEntry(NamedTuple):
    """One line of `catalog`.

    Attributes
    ----------
    name, title : str
        What `load` takes, and what people call it.
    train, test : int
        The number of images in each part.
    shape : tuple of int
        Of one image: (C, H, W).
    classes : int
        The number of classes.
    present : bool
        Whether it can be loaded without a download.
    where : str
        Where it would be read from: a path, an address to download from, or ``built in``.
    problem : str
        What is wrong with copies that were found and not taken; empty for nothing.
    """

    name: str
    title: str
    train: int
    test: int
    shape: tuple[int, ...]
    classes: int
    present: bool
    where: str
    problem: str


def catalog() -> list[CatalogEntry]:
    """List the data sets that `load` knows by name, and where each would come from.

    Downloads nothing and reads no images: a copy counts as present when its labels are proved and its images'
    headers are right. Takes some milliseconds.

    Returns
    -------
    list of CatalogEntry
        One for each, the built-in one first.
    """
    return [describe() for _, describe in _CHOICES.values()]


def load(name: str | os.PathLike[str], **flags: Any) -> Dataset:
    """Load a data set by name, or a CSV file or a folder of IDX files by path.

    Parameters
    ----------
    name : str or path
        ``digits``, ``mnist``, ``fashion_mnist`` (or with a hyphen); or a path that ends in ``.csv``; or a
        folder of IDX files, or ``FOLDER/PREFIX`` for some of them. A name comes before a folder that is
        called so: ``./mnist`` is the folder.
    **flags
        ``normalize``, ``flatten``, ``one_hot``; for a path all that `from_csv` or `from_idx` takes.

    Returns
    -------
    Dataset
        ``(x_train, t_train), (x_test, t_test)``, NumPy arrays.

    Raises
    ------
    ValueError
        No data set has that name; the message lists the choices.
    DatasetError
        Its files are missing, damaged or not what they should be.
    """
    text = os.fspath(name)
    if text.lower().endswith(".csv"):
        return from_csv(text, **flags)
    if choice := _CHOICES.get(text.lower().replace("-", "_")):
        loader, _ = choice
        return loader(**flags)
    if text and holds_idx(Path(text)):
        return from_idx(text, **flags)
    raise ValueError(
        f"load: no data set is called {text!r}; give one of {', '.join(_CHOICES)}, or a path ending in .csv, "
        "or a folder of IDX files (train-images-idx3-ubyte, ...)."
    )


def _describe_digits() -> CatalogEntry:
    return CatalogEntry(
        name="digits",
        title="Optical Recognition of Handwritten Digits (UCI)",
        train=_digits.TRAIN,
        test=_digits.TEST,
        shape=_digits.SHAPE,
        classes=_digits.CLASSES,
        present=True,
        where="built in",
        problem="",
    )


def _describe_idx(dataset: IdxDataset) -> CatalogEntry:
    found = locate(dataset)
    elsewhere = named_folder() or f"{dataset.mirrors[0]} (to be kept in {cache_folder() / dataset.name})"
    return CatalogEntry(
        name=dataset.name,
        title=dataset.title,
        train=dataset.train_images.shape[0],
        test=dataset.test_images.shape[0],
        shape=(1, *dataset.train_images.shape[1:]),
        classes=dataset.classes,
        present=found.path is not None,
        where=str(found.path or elsewhere),
        problem=found.problem,
    )


_CHOICES: dict[str, tuple[Callable[..., Dataset], Callable[[], CatalogEntry]]] = {
    "digits": (_digits.digits, _describe_digits),
    MNIST.name: (mnist, partial(_describe_idx, MNIST)),
    FASHION_MNIST.name: (fashion_mnist, partial(_describe_idx, FASHION_MNIST)),
}
