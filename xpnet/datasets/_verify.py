"""Prove that the bytes of an IDX file are the ones its name promises."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from xpnet.datasets._errors import bad_file
from xpnet.datasets._idx import Bytes, payload, read_idx
from xpnet.datasets._spec import IdxDataset, IdxFile


def read_verified(source: Path | bytes, file: IdxFile, dataset: IdxDataset, where: str) -> Bytes:
    """Read one file of `dataset` and prove it.

    Parameters
    ----------
    source : Path or bytes
        The file, or the content of one; compressed or not.
    file : IdxFile
        Which of the four files it should be.
    dataset : IdxDataset
        The data set that `file` is part of.
    where : str
        What to call it in an error.

    Returns
    -------
    ndarray
        `file.shape` uint8, writable.

    Raises
    ------
    DatasetError
        Damaged, of another shape, with another hash, of another data set, or with labels that cannot be.
    """
    data = read_idx(source, file, where)
    verify(data, file, dataset, where)
    return payload(data, file)


def verify(data: Bytes, file: IdxFile, dataset: IdxDataset, where: str) -> None:
    """Compare the hash of decompressed `data`, header included, and look at the labels.

    Where the hash is not known (`file.sha256` is None), a file of `dataset.foreign` is still refused, and
    labels must be in range and, for a balanced data set, equally many of each class.

    Raises
    ------
    DatasetError
        The bytes are not those of `file`.
    """
    digest = hashlib.sha256(data.data).hexdigest()
    if file.sha256 is not None and digest != file.sha256:
        raise bad_file(
            where,
            expected=f"the bytes of {dataset.title}'s {file.name} (SHA-256 {file.sha256})",
            found=f"others (SHA-256 {digest}{_known_as(digest, dataset)})",
        )
    if digest in dataset.foreign:
        raise bad_file(
            where,
            expected=f"{dataset.title}'s {file.name}",
            found=dataset.foreign[digest],
            fix=f"Put {dataset.title}'s files into a subfolder {dataset.name} of the one in XPNET_DATA.",
        )
    if file.holds_labels:
        _check_labels(payload(data, file), dataset, where)


def _known_as(digest: str, dataset: IdxDataset) -> str:
    names = {file.sha256: f"{dataset.title}'s {file.name}" for file in dataset.files} | dict(dataset.foreign)
    return f", which is {names[digest]}" if digest in names else ""


def _check_labels(labels: Bytes, dataset: IdxDataset, where: str) -> None:
    counts = np.bincount(labels, minlength=dataset.classes)
    if counts.size > dataset.classes:
        raise bad_file(where, expected=f"labels 0..{dataset.classes - 1}", found=f"a label {counts.size - 1}")
    if dataset.balanced and counts.min() != counts.max():
        raise bad_file(
            where,
            expected=f"{labels.size // dataset.classes} labels of each class, as {dataset.title} has",
            found=f"{counts.min()} to {counts.max()}",
        )
