"""What a place on the disk that may hold a data set can do."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

from xpnet.datasets._idx import Bytes
from xpnet.datasets._spec import IdxDataset


class Arrays(NamedTuple):
    """The four verified arrays, in the order of `IdxDataset.files`: uint8, (N, H, W) and (N,)."""

    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes


class Place(Protocol):
    """A folder or an archive."""

    @property
    def path(self) -> Path:
        """Where it is."""

    def holds_any(self, dataset: IdxDataset) -> bool:
        """Whether something there goes by a name of `dataset`; says nothing about its content."""

    def peek(self, dataset: IdxDataset) -> None:
        """Verify the labels and look at the images' headers: some milliseconds. Raises `DatasetError`."""

    def read(self, dataset: IdxDataset) -> Arrays:
        """Read and verify everything. Raises `DatasetError`."""
