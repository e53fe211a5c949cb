"""Prove that the bytes of an IDX file are the ones its name promises."""

from __future__ import annotations

import hashlib
from pathlib import Path

from xpnet.datasets._errors import bad_file
from xpnet.datasets._idx import Bytes, payload, read_idx
from xpnet.datasets._known import known_as
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
        Damaged, of another shape, or with another hash.
    """
    data = read_idx(source, file, where)
    verify(data, file, dataset, where)
    return payload(data, file)


def verify(data: Bytes, file: IdxFile, dataset: IdxDataset, where: str) -> None:
    """Compare the hash of decompressed `data`, header included, with that of `file`.

    Raises
    ------
    DatasetError
        The bytes are not those of `file`. The message names the data set they belong to, where that is known.
    """
    digest = hashlib.sha256(data.data).hexdigest()
    if digest != file.sha256:
        owner = known_as(data)
        found = f"{owner} (SHA-256 {digest})" if owner else _unknown(digest, dataset)
        raise bad_file(
            where,
            expected=f"the bytes of {dataset.title}'s {file.name} (SHA-256 {file.sha256})",
            found=found,
            fix=f"Replace this file, or put {dataset.title}'s files into a folder {dataset.name} inside the "
            "one in XPNET_DATA. Another data set is read as it is by xpnet.datasets.from_idx(FOLDER) and "
            "--dataset FOLDER.",
        )


def _unknown(digest: str, dataset: IdxDataset) -> str:
    return f"an unknown file, not {dataset.title}'s (SHA-256 {digest})"
