"""Find the four files of a data set: named by the user, in the cache, left by others, on a mirror."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from xpnet.datasets._download import download
from xpnet.datasets._errors import DatasetError, bad_file
from xpnet.datasets._folder import contents
from xpnet.datasets._place import Arrays, Place
from xpnet.datasets._places import left_by_others, named_folder, named_places, own_cache
from xpnet.datasets._spec import IdxDataset


class Located(NamedTuple):
    """Where a data set is on this disk, or why it is not where it was looked for."""

    path: Path | None
    problem: str


def obtain(dataset: IdxDataset) -> Arrays:
    """Return the verified arrays of `dataset` from the first place that has them.

    The places, in order: the folder in ``XPNET_DATA``, and nothing else when that is set; xpnet's cache; what
    torchvision, Keras and the book's code left; the mirrors, by way of the cache.

    Raises
    ------
    DatasetError
        ``XPNET_DATA`` is set and the files are not there or not good, or the download failed.
    """
    faults = []
    for place in _places(dataset):
        try:
            return place.read(dataset)
        except DatasetError as fault:
            faults.append(fault)
    if root := named_folder():
        raise _nothing_named(root, dataset, faults)
    cache = own_cache(dataset)
    try:
        download(dataset, cache)
    except DatasetError as error:
        found = "".join(f"\nFound on this disk, but not good: {fault}" for fault in faults)
        raise DatasetError(f"{error}{found}") from None
    return cache.read(dataset)


def locate(dataset: IdxDataset) -> Located:
    """Say where `obtain` would read `dataset` from, without reading the images or downloading anything."""
    faults: list[DatasetError] = []
    for place in _places(dataset):
        try:
            place.peek(dataset)
        except DatasetError as fault:
            faults.append(fault)
        else:
            return Located(place.path, "")
    if root := named_folder():
        return Located(None, str(_nothing_named(root, dataset, faults)))
    return Located(None, "\n".join(map(str, faults)))


def _places(dataset: IdxDataset) -> list[Place]:
    root = named_folder()
    candidates: list[Place]
    candidates = [*named_places(root, dataset)] if root else [own_cache(dataset), *left_by_others(dataset)]
    return [place for place in candidates if place.holds_any(dataset)]


def _nothing_named(root: Path, dataset: IdxDataset, faults: list[DatasetError]) -> DatasetError:
    if faults:
        return DatasetError("XPNET_DATA: " + "\n".join(map(str, faults)))
    names = ", ".join(f"{file.name}[.gz]" for file in dataset.files)
    folders = " or ".join(dict.fromkeys(str(root / sub) for sub in dataset.subfolders))
    return bad_file(
        f"XPNET_DATA={root}",
        expected=f"{dataset.title}'s files {names} in {folders}",
        found=contents(root),
        fix="Put them there, or unset XPNET_DATA and xpnet downloads them.",
    )
