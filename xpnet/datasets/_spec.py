"""What is known beforehand about a data set of four IDX files: names, shapes, hashes, mirrors."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class IdxFile:
    """One IDX file of unsigned bytes.

    Attributes
    ----------
    name : str
        The file's name without ``.gz``.
    shape : tuple of int
        (N, H, W) for images, (N,) for labels.
    sha256 : str
        Of the decompressed bytes, header included.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str

    @property
    def header(self) -> bytes:
        """Two zero bytes, 8 for "unsigned byte", the number of axes, each axis as a big-endian uint32."""
        return struct.pack(f">4B{len(self.shape)}I", 0, 0, 8, len(self.shape), *self.shape)

    @property
    def nbytes(self) -> int:
        """The decompressed size, header included."""
        return len(self.header) + math.prod(self.shape)

    @property
    def holds_labels(self) -> bool:
        """Whether this is a file of labels; images otherwise."""
        return len(self.shape) == 1

    @property
    def spellings(self) -> tuple[str, ...]:
        """The names the file goes by on people's disks, the quickest to read first.

        ``train-images.idx3-ubyte`` is what some unpackers make of the name.
        """
        dotted = self.name.replace("-idx", ".idx")
        return self.name, dotted, f"{self.name}.gz", f"{dotted}.gz"


@dataclass(frozen=True)
class IdxDataset:
    """Four IDX files that make a data set.

    Attributes
    ----------
    name, title : str
        What `load` calls it, and what people call it.
    train_images, train_labels, test_images, test_labels : IdxFile
        The four files.
    mirrors : tuple of str
        Base addresses, each ending in ``/``, in the order to try.
    subfolders : tuple of str
        Where inside ``XPNET_DATA`` to look, ``.`` being the folder itself.
    torchvision, keras, book : str
        Names that other libraries give the data below their own folder; empty for none.
    classes : int
        Labels are 0..classes-1.
    """

    name: str
    title: str
    train_images: IdxFile
    train_labels: IdxFile
    test_images: IdxFile
    test_labels: IdxFile
    mirrors: tuple[str, ...] = ()
    subfolders: tuple[str, ...] = (".",)
    torchvision: str = ""
    keras: str = ""
    book: str = ""
    classes: int = 10

    @property
    def files(self) -> tuple[IdxFile, IdxFile, IdxFile, IdxFile]:
        """Training images, training labels, test images, test labels."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels
