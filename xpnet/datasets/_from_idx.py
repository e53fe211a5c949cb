"""Labelled images in IDX files, the form of MNIST, KMNIST, EMNIST and QMNIST."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from xpnet.datasets._errors import bad_file
from xpnet.datasets._idx import INPUT_RANGE, Bytes
from xpnet.datasets._idx_array import read_images, read_labels
from xpnet.datasets._idx_folder import Pair, find_pairs
from xpnet.datasets._present import present
from xpnet.datasets._split import TEST_FRACTION, count_test_rows, split_rows
from xpnet.datasets._types import Dataset, Split

_Path = str | os.PathLike[str]


class _Read(NamedTuple):
    images: Bytes
    labels: Bytes


def from_idx(
    source: _Path | Sequence[_Path],
    *,
    test_fraction: float | None = None,
    seed: int = 0,
    normalize: bool = True,
    flatten: bool = True,
    one_hot: bool = False,
) -> Dataset:
    """Load images and labels from IDX files as they are: KMNIST, EMNIST, QMNIST, or a set of one's own.

    Nothing is compared with a known data set; `mnist` and `fashion_mnist` do that. ``XPNET_DATA`` plays no
    part.

    Parameters
    ----------
    source : path or sequence of paths
        A folder with files of the conventional names: ``train-images-idx3-ubyte``,
        ``train-labels-idx1-ubyte`` and the same with ``t10k`` or ``test``, each compressed or not; or the
        folder above a ``raw`` that holds them. All names may begin with the same word, as in
        ``emnist-letters-train-images-idx3-ubyte.gz``; of a folder with several data sets,
        ``FOLDER/emnist-letters`` takes one. Or the files themselves: ``(images, labels)``, or
        ``(train_images, train_labels, test_images, test_labels)``.
    test_fraction : float, optional
        Where there is a training part alone, or one pair of files: the part of the rows,
        0 <= test_fraction < 1, that becomes the test part (rounded to whole rows); 0.3 by default. 0 keeps
        all rows in the file's order.
    seed : int
        Of the shuffle before such a split, 0..2**32-1.
    normalize : bool
        True: float32 pixels in 0..1. False: the raw uint8 pixels in 0..255.
    flatten : bool
        True: images as rows (N, H*W). False: (N, 1, H, W).
    one_hot : bool
        True: labels (N, largest label + 1) float32. False: class indices (N,) int64.

    Returns
    -------
    Dataset
        ``(x_train, t_train), (x_test, t_test)``, NumPy arrays. A folder with a test part alone gives a
        training part of no images.

    Raises
    ------
    DatasetError
        A file is missing, damaged, no IDX file of images or labels, or the files do not fit together.
    ValueError
        `test_fraction` beside a test part or out of range, or another number of files than 2 or 4.

    Notes
    -----
    EMNIST's images are transposed: rows and columns stand for each other. A net that learns and reads EMNIST
    does not mind; to look at one, or to read upright images, load with ``flatten=False`` and swap the axes,
    ``x.swapaxes(2, 3)``. Its letters have the labels 1..26, so there are 27 classes, and class 0 stays empty.
    """
    pairs = _pairs(source)
    if "test" not in pairs:
        train, test = _split(_read(pairs["train"]), test_fraction, seed)
    elif test_fraction is not None:
        raise ValueError("from_idx: leave test_fraction out; there is a test part, so nothing is split.")
    else:
        test = _read(pairs["test"])
        train = _read(pairs["train"]) if "train" in pairs else _Read(test.images[:0], test.labels[:0])
        _check_same_size(pairs["test"].images, train.images, test.images)
    classes = 1 + max(int(part.labels.max(initial=0)) for part in (train, test))

    def part(images: Bytes, labels: Bytes) -> Split:
        return present(
            images[:, None],
            labels,
            input_range=INPUT_RANGE,
            classes=classes,
            normalize=normalize,
            flatten=flatten,
            one_hot=one_hot,
        )

    return Dataset(part(*train), part(*test), INPUT_RANGE)


def _pairs(source: _Path | Sequence[_Path]) -> dict[str, Pair]:
    if isinstance(source, str | os.PathLike):
        return find_pairs(Path(source))
    files = [Path(path) for path in source]
    if len(files) not in (2, 4):
        raise ValueError(
            "from_idx: give a folder, two files (images, labels), or four (train_images, train_labels, "
            f"test_images, test_labels); these are {len(files)}."
        )
    train = {"train": Pair(*files[:2])}
    return train | {"test": Pair(*files[2:])} if len(files) == 4 else train


def _read(pair: Pair) -> _Read:
    images, labels = read_images(pair.images), read_labels(pair.labels)
    if len(images) != len(labels):
        raise bad_file(
            pair.labels,
            expected=f"{len(images)} labels, one for each image in {pair.images}",
            found=str(len(labels)),
            fix="Check that the two files belong together.",
        )
    return _Read(images, labels)


def _split(whole: _Read, test_fraction: float | None, seed: int) -> tuple[_Read, _Read]:
    count = len(whole.labels)
    fraction = TEST_FRACTION if test_fraction is None else test_fraction
    train, test = split_rows(count, count_test_rows("from_idx", count, fraction), seed)
    return _Read(whole.images[train], whole.labels[train]), _Read(whole.images[test], whole.labels[test])


def _check_same_size(path: Path, train: Bytes, test: Bytes) -> None:
    if train.shape[1:] != test.shape[1:]:
        raise bad_file(
            path,
            expected=f"images of {train.shape[1:]} pixels, as the training part has",
            found=f"images of {test.shape[1:]}",
            fix="Check that the files belong together.",
        )
