"""The npz archive in which Keras keeps MNIST."""

from __future__ import annotations

import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xpnet.datasets._errors import bad_file
from xpnet.datasets._idx import Bytes
from xpnet.datasets._place import Arrays
from xpnet.datasets._spec import IdxDataset, IdxFile
from xpnet.datasets._verify import verify

# In the order of IdxDataset.files.
_MEMBERS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True)
class KerasArchive:
    """An npz file with the arrays x_train, y_train, x_test and y_test."""

    path: Path

    def holds_any(self, dataset: IdxDataset) -> bool:
        """Whether the archive is there."""
        return os.path.isfile(self.path)  # Path.is_file raises in a folder that may not be entered

    def peek(self, dataset: IdxDataset) -> None:
        """Verify the labels. Raises `DatasetError`."""
        files = zip(dataset.files, _MEMBERS, strict=True)
        self._read([(file, member) for file, member in files if file.holds_labels], dataset)

    def read(self, dataset: IdxDataset) -> Arrays:
        """Verify all four arrays. Raises `DatasetError`."""
        return Arrays(*self._read(list(zip(dataset.files, _MEMBERS, strict=True)), dataset))

    def _read(self, wanted: list[tuple[IdxFile, str]], dataset: IdxDataset) -> list[Bytes]:
        arrays = self._members([name for _, name in wanted])
        for (file, name), array in zip(wanted, arrays, strict=True):
            _verify_array(array, file, dataset, f"{self.path}[{name}]")
        return arrays

    def _members(self, names: list[str]) -> list[Bytes]:
        try:
            # Never allow_pickle: it would run code out of a file that somebody else left there.
            with self.path.open("rb") as stream:  # np.load itself leaves a broken archive open
                archive = np.load(stream, allow_pickle=False)
                if not isinstance(archive, np.lib.npyio.NpzFile):
                    raise ValueError("a single array")
                with archive:
                    return [archive[name] for name in names]
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise bad_file(
                self.path,
                expected=f"an npz archive with the arrays {', '.join(_MEMBERS)}",
                found=f"{type(error).__name__} ({error})",
            ) from error


def _verify_array(array: Bytes, file: IdxFile, dataset: IdxDataset, where: str) -> None:
    if array.shape != file.shape or array.dtype != np.uint8:
        raise bad_file(where, expected=f"uint8 {file.shape}", found=f"{array.dtype} {array.shape}")
    # The published hashes are those of the IDX files, so the file is put together again to be compared.
    header = np.frombuffer(file.header, np.uint8)
    verify(np.concatenate([header, array.ravel()]), file, dataset, where)
