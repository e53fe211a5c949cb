"""What is known beforehand about a data set of four IDX files: names, shapes, hashes, mirrors."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class IdxFile:
    """One IDX file of unsigned bytes.

    Attributes
    ----------
    name : str
        The file's name without ``.gz``.
    shape : tuple of int
        (N, H, W) for images, (N,) for labels.
    sha256 : str or None
        Of the decompressed bytes; None where nobody published it.
    gz_sha256 : str or None
        Of the ``.gz`` as the mirrors serve it; None where the decompressed hash makes it needless.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str | None = None
    gz_sha256: str | None = None

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
        """The names the file goes by on people's disks, best first.

        With a known hash every spelling proves itself and the plain file is read faster; without one the
        ``.gz`` comes first, because its own checksum then is all there is against a flipped bit.
        ``train-images.idx3-ubyte`` is what some unpackers make of the name.
        """
        dotted = self.name.replace("-idx", ".idx")
        plain, packed = (self.name, dotted), (self.name + ".gz", dotted + ".gz")
        return plain + packed if self.sha256 else packed + plain


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
    balanced : bool
        Whether each class has the same number of images: one more test where no hash is known.
    foreign : mapping of str to str
        SHA-256 of files that share names and sizes with these but belong to another data set, and what they
        are.
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
    balanced: bool = False
    foreign: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> tuple[IdxFile, IdxFile, IdxFile, IdxFile]:
        """Training images, training labels, test images, test labels."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels
