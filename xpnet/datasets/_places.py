"""Where on this disk the files of a data set may already be."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from xpnet.datasets._folder import Folder
from xpnet.datasets._keras import KerasArchive
from xpnet.datasets._place import Place
from xpnet.datasets._spec import IdxDataset


def named_folder() -> Path | None:
    """Return the folder in ``XPNET_DATA``, or None where it is unset or empty."""
    value = os.environ.get("XPNET_DATA")
    return Path(value).expanduser() if value else None


def named_places(root: Path, dataset: IdxDataset) -> Iterator[Folder]:
    """Where inside ``XPNET_DATA`` `dataset` may be, best first."""
    for subfolder in dataset.subfolders:
        yield Folder(root / subfolder)


def cache_folder() -> Path:
    r"""Return the folder that xpnet keeps its downloads in; it need not exist.

    ``$XDG_CACHE_HOME/xpnet`` or ``~/.cache/xpnet``; ``~/Library/Caches/xpnet`` on macOS and
    ``%LOCALAPPDATA%\xpnet`` on Windows. Without a home, a folder for temporary files.
    """
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    else:
        base = os.environ.get("XDG_CACHE_HOME")
    # The XDG rules say to ignore a relative path.
    if base and Path(base).is_absolute():
        return Path(base, "xpnet")
    home = _home()
    if home is None:
        return Path(tempfile.gettempdir(), "xpnet-cache")
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "xpnet"


def own_cache(dataset: IdxDataset) -> Folder:
    """Return the folder of xpnet's cache that is for `dataset`."""
    return Folder(cache_folder() / dataset.name)


def left_by_others(dataset: IdxDataset) -> Iterator[Place]:
    """Where torchvision, Keras and the book's code leave `dataset`, by the working directory and the home."""
    home = _home()
    if dataset.torchvision:
        for root in _torchvision_roots(home):
            yield Folder(root / dataset.torchvision / "raw")
    keras_home = os.environ.get("KERAS_HOME") or (home / ".keras" if home else None)
    if dataset.keras and keras_home:
        kept = Path(keras_home, "datasets", dataset.keras)
        yield KerasArchive(kept) if kept.suffix == ".npz" else Folder(kept)
    if dataset.book:
        # Its four .gz files. The mnist.pkl beside them is never opened: a pickle runs code.
        yield Folder(Path(dataset.book))


def _torchvision_roots(home: Path | None) -> Iterator[Path]:
    # torchvision has no default root: these are the ones in its tutorials and examples.
    if named := os.environ.get("TORCHVISION_DATASETS_HOME"):
        yield Path(named)
    yield from (Path("data"), Path("../data"), Path("datasets"), Path())
    if home:
        yield from (
            home / "data",
            home / "datasets",
            home / ".cache/torch/datasets/vision",
            home / ".pytorch/MNIST_data",
        )


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # no HOME, and a user id that the system does not know: common in containers
        return None
