"""Find the IDX files of a folder by their conventional names."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from xpnet.datasets._errors import DatasetError, bad_file
from xpnet.datasets._folder import contents

_NAME = re.compile(
    r"(?P<prefix>.*?)(?P<part>train|t10k|test)-(?P<kind>images|labels)[-.]idx\d-[a-z]+(\.gz)?", re.IGNORECASE
)
_EXAMPLE = "train-images-idx3-ubyte and train-labels-idx1-ubyte"
_GIVE_FILES = "Give the files themselves: from_idx((images, labels))."


class Pair(NamedTuple):
    """The two files of one part, a row of one belonging to a row of the other."""

    images: Path
    labels: Path


def holds_idx(source: Path) -> bool:
    """Whether `source` is a folder, or a folder and the beginning of the names of IDX files there."""
    return os.path.isdir(source) or bool(_files(source))


def find_pairs(source: Path) -> dict[str, Pair]:
    """Find the IDX files of a folder.

    Parameters
    ----------
    source : Path
        The folder, or ``FOLDER/PREFIX`` for the files there whose names begin with ``PREFIX-``.

    Returns
    -------
    dict of Pair
        ``train``, ``test`` or both.

    Raises
    ------
    DatasetError
        There are none, or files of several data sets, or images without labels.
    """
    files = _files(source)
    if not files:
        raise bad_file(
            source,
            expected=f"IDX files such as {_EXAMPLE}, with or without .gz",
            found=contents(source),
            fix=_GIVE_FILES,
        )
    by_prefix: dict[str, dict[tuple[str, str], Path]] = {}
    for path, match in files:
        part = "train" if match["part"].lower() == "train" else "test"
        key = part, match["kind"].lower()
        known = by_prefix.setdefault(match["prefix"], {})
        if _stem(known.setdefault(key, path)) != _stem(path):
            raise _several(source, f"both {known[key].name} and {path.name}", _GIVE_FILES)
    if len(by_prefix) > 1:
        prefixes = sorted(prefix.rstrip("-") for prefix in by_prefix)
        names = ", ".join(prefix or "(no prefix)" for prefix in prefixes)
        example = files[0][0].parent / max(prefixes)
        raise _several(source, names, f"Name one of them, as in {example}, or give the files.")
    (found,) = by_prefix.values()
    parts = dict.fromkeys(part for part, _ in found)
    return {part: _pair(source, part, found) for part in parts}


def _files(source: Path) -> list[tuple[Path, re.Match[str]]]:
    """Return the IDX files, plain ones before those with .gz."""
    if os.path.isdir(source):
        return _matching(source) or _matching(source / "raw")  # torchvision's place for them
    prefix = source.name + "-"
    return [(path, match) for path, match in _matching(source.parent) if match["prefix"].startswith(prefix)]


def _matching(folder: Path) -> list[tuple[Path, re.Match[str]]]:
    if not os.path.isdir(folder):
        return []
    try:
        paths = sorted(folder.iterdir(), key=lambda path: (path.name.endswith(".gz"), path.name))
    except OSError as error:
        found = error.strerror or str(error)
        raise bad_file(folder, expected="a readable folder", found=found, fix="Check the path.") from error
    matches = ((path, _NAME.fullmatch(path.name)) for path in paths if os.path.isfile(path))
    return [(path, match) for path, match in matches if match]


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").replace(".idx", "-idx")


def _pair(source: Path, part: str, found: dict[tuple[str, str], Path]) -> Pair:
    images, labels = found.get((part, "images")), found.get((part, "labels"))
    if images and labels:
        return Pair(images, labels)
    alone = next(path for path in (images, labels) if path)
    raise bad_file(
        source,
        expected=f"the {'labels' if images else 'images'} that belong to {alone.name}",
        found=contents(alone.parent),
        fix="Put that file beside it.",
    )


def _several(source: Path, found: str, fix: str) -> DatasetError:
    return bad_file(source, expected="the IDX files of one data set", found=found, fix=fix)
