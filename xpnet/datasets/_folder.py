"""A folder with four IDX files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from xpnet.datasets._errors import DatasetError, bad_file
from xpnet.datasets._idx import Bytes, peek_idx
from xpnet.datasets._place import Arrays
from xpnet.datasets._spec import IdxDataset, IdxFile
from xpnet.datasets._verify import read_verified

T = TypeVar("T")


@dataclass(frozen=True)
class Folder:
    """A folder that may hold the four files of a data set, each compressed or not.

    Attributes
    ----------
    path : Path
        The folder.
    """

    path: Path

    def holds_any(self, dataset: IdxDataset) -> bool:
        """Whether a file here goes by one of the four names."""
        return any(self._candidates(file) for file in dataset.files)

    def peek(self, dataset: IdxDataset) -> None:
        """Verify the labels and look at the images' headers. Raises `DatasetError`."""
        for file in dataset.files:
            if file.holds_labels:
                self.read_file(file, dataset)
            else:
                self._first_good(file, lambda path, file=file: peek_idx(path, file))  # type: ignore[misc]

    def read(self, dataset: IdxDataset) -> Arrays:
        """Read and verify all four files. Raises `DatasetError`."""
        return Arrays(*(self.read_file(file, dataset) for file in dataset.files))

    def read_file(self, file: IdxFile, dataset: IdxDataset) -> Bytes:
        """Read and verify one file.

        Returns
        -------
        ndarray
            `file.shape` uint8.

        Raises
        ------
        DatasetError
            There is none, or none of its spellings is good; then the first one's fault.
        """
        return self._first_good(file, lambda path: read_verified(path, file, dataset, str(path)))

    def _candidates(self, file: IdxFile) -> list[Path]:
        # os.path.isfile and not Path.is_file: that raises where a folder above may not be entered.
        return [path for name in file.spellings if os.path.isfile(path := self.path / name)]

    def _first_good(self, file: IdxFile, look: Callable[[Path], T]) -> T:
        first_fault: DatasetError | None = None
        for path in self._candidates(file):
            try:
                return look(path)
            except DatasetError as fault:
                first_fault = first_fault or fault
        raise first_fault or bad_file(
            self.path / file.name,
            expected="this file, or the same with .gz",
            found="neither",
            fix="Put it there, or set XPNET_DATA to a folder with all four IDX files.",
        )


def contents(root: Path) -> str:
    """Return what lies in a folder, in a few words for an error."""
    try:
        names = sorted(path.name for path in root.iterdir())
    except OSError as error:
        return f"no readable folder ({error.strerror})"
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return shown or "an empty folder"
