"""Fetch what is missing from the mirrors into xpnet's cache."""

from __future__ import annotations

import io
import re
import sys
import time

from xpnet._atomic import write_atomically
from xpnet.datasets._errors import DatasetError, bad_file
from xpnet.datasets._folder import Folder
from xpnet.datasets._spec import IdxDataset, IdxFile
from xpnet.datasets._verify import read_verified

# Seconds to wait for a connection, and for the next bytes.
_TIMEOUT = (10, 60)

_FIX = (
    "Put the four IDX files, compressed or not, into a folder and set XPNET_DATA to it; "
    "xpnet.datasets.digits() (--dataset digits) needs no file at all."
)


def download(dataset: IdxDataset, cache: Folder, *, tries: int = 2, pause: float = 1.0) -> None:
    """Make `cache` hold good copies of the four files, fetching those that are missing or bad.

    Nothing is put in place before its bytes are proved, and then in one step: a process that dies on the way
    leaves no half file, and two that do this at once do not harm each other.

    Parameters
    ----------
    dataset : IdxDataset
        What to fetch, and from where.
    cache : Folder
        Where to put it; made when it does not exist.
    tries : int
        How often to ask each mirror for a file.
    pause : float
        Seconds to wait before asking the same mirror again.

    Raises
    ------
    DatasetError
        No mirror gave a good file, pooch is not installed, or the cache cannot be written.
    """
    missing = [file for file in dataset.files if not _is_good(cache, file, dataset)]
    if missing:
        _require_pooch(dataset)
    mirrors = list(dataset.mirrors)
    for file in missing:
        packed = _fetch(file, dataset, mirrors, tries, pause)
        try:
            cache.path.mkdir(parents=True, exist_ok=True)
            write_atomically(cache.path / f"{file.name}.gz", packed)
        except OSError as error:
            raise bad_file(
                cache.path, expected="a folder to keep data in", found=str(error), fix=_FIX
            ) from error


def _require_pooch(dataset: IdxDataset) -> None:
    try:
        import pooch  # noqa: F401  # heavy, and needed by nobody who has the files
    except ImportError as error:
        raise DatasetError(
            f"{dataset.title} is not on this disk, and pooch, which downloads it, is not installed: "
            f"pip install pooch. {_FIX}"
        ) from error


def _is_good(cache: Folder, file: IdxFile, dataset: IdxDataset) -> bool:
    try:
        cache.read_file(file, dataset)
    except DatasetError:
        return False
    return True


def _fetch(file: IdxFile, dataset: IdxDataset, mirrors: list[str], tries: int, pause: float) -> bytes:
    faults = []
    for mirror in tuple(mirrors):
        for attempt in range(tries):
            time.sleep(pause if attempt else 0)
            url = f"{mirror}{file.name}.gz"
            try:
                packed = _fetch_once(url, file, dataset)
            except DatasetError as fault:
                faults.append(str(fault))
                continue
            except OSError as fault:  # what requests raises is one
                faults.append(f"{url}: {_in_short(fault)}")
                continue
            # Ask the mirror that answered first for the next file: a dead one costs a time-out each time.
            mirrors.remove(mirror)
            mirrors.insert(0, mirror)
            return packed
    raise DatasetError(
        f"{dataset.title}: {file.name} is not on this disk and could not be downloaded. {_FIX} "
        "What was tried:\n" + "\n".join(f"  {fault}" for fault in dict.fromkeys(faults))
    )


def _in_short(fault: OSError) -> str:
    """Return the end of what requests nests, e.g. `404 Client Error: Not Found`, `Connection refused`."""
    text = str(fault).partition(" for url: ")[0]
    if "Caused by" in text:
        text = re.split(r"\] |: ", text)[-1]
    return text.strip(" ()'\"") or type(fault).__name__


def _fetch_once(url: str, file: IdxFile, dataset: IdxDataset) -> bytes:
    import pooch

    stream = io.BytesIO()
    fetch = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), chunk_size=1 << 16, timeout=_TIMEOUT)
    fetch(url, stream, None)
    packed = stream.getvalue()
    read_verified(packed, file, dataset, url)
    return packed
