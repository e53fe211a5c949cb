"""Read an IDX file of any type and shape.

The format: http://yann.lecun.com/exdb/mnist/, section "file formats".
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from xpnet.datasets._errors import DatasetError, bad_file
from xpnet.datasets._idx import Bytes, claimed_size, read_bytes

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_REPLACE = "Replace this file."


class Header(NamedTuple):
    """What the first bytes of an IDX file say.

    Attributes
    ----------
    dtype : numpy.dtype
        Of the elements, big-endian.
    shape : tuple of int
    size : int
        The bytes of the header itself.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    size: int

    @property
    def nbytes(self) -> int:
        """The decompressed size of the whole file."""
        return self.size + self.dtype.itemsize * math.prod(self.shape)

    def __str__(self) -> str:
        return f"{self.dtype.name} {self.shape}"


def read_images(path: Path) -> Bytes:
    """Return the images (N, H, W) uint8 of an IDX file.

    Raises
    ------
    DatasetError
        The file is no whole IDX file, or not one of uint8 with three axes, or holds no image.
    """
    header = _header(path)
    if header.dtype != np.uint8 or len(header.shape) != 3 or not math.prod(header.shape):
        raise bad_file(
            path,
            expected="images, uint8 (N, H, W) with N, H and W above 0",
            found=f"an IDX file of {header}",
            fix="Check which file this is; from_idx reads other types for labels alone.",
        )
    return _array(path, header)


def read_labels(path: Path) -> Bytes:
    """Return the labels (N,) uint8 of an IDX file.

    QMNIST's files of labels hold int32 (N, 8), the class in column 0: of two axes the first column is taken.

    Raises
    ------
    DatasetError
        The file is no whole IDX file of whole numbers with one or two axes, or a label is not in 0..255.
    """
    header = _header(path)
    if header.dtype.kind not in "ui" or len(header.shape) not in (1, 2) or 0 in header.shape[1:]:
        raise bad_file(
            path,
            expected="labels, whole numbers (N,) or (N, K) with the class in column 0",
            found=f"an IDX file of {header}",
            fix="Check which file this is.",
        )
    labels = _array(path, header)
    labels = labels if labels.ndim == 1 else labels[:, 0]
    low, high = labels.min(initial=0), labels.max(initial=0)
    if low < 0 or high > 255:
        raise bad_file(
            path, expected="labels 0..255", found=f"labels {low}..{high}", fix="Number the classes from 0."
        )
    return labels.astype(np.uint8)


def _header(path: Path) -> Header:
    wanted = "an IDX file"
    head = read_bytes(path, 4, wanted, str(path)).tobytes()
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES or not head[3]:
        raise bad_file(
            path,
            expected="an IDX file: 0, 0, a type of 8, 9 or 11 to 14, the number of axes, ...",
            found=f"one that begins with {head!r}",
            fix=_REPLACE,
        )
    axes = head[3]
    size = 4 + 4 * axes
    head = read_bytes(path, size, wanted, str(path)).tobytes()
    if len(head) < size:
        raise _cut_short(path, f"a header of {size} bytes", len(head))
    header = Header(np.dtype(_TYPES[head[2]]), struct.unpack_from(f">{axes}I", head, 4), size)
    # Before anything is set aside: a damaged header may ask for more memory than there is. The last bytes of
    # a gzip file give its size modulo 2**32.
    claimed = claimed_size(path)
    if claimed not in (header.nbytes, header.nbytes % 2**32):
        raise _cut_short(path, f"{header.nbytes} bytes, as its header of {header} says", claimed)
    return header


def _array(path: Path, header: Header) -> npt.NDArray[Any]:
    wanted = f"{header.nbytes} bytes, as its header of {header} says"
    # One byte more than a good file has, so that gzip checks its CRC at the end.
    data = read_bytes(path, header.nbytes + 1, wanted, str(path))
    if data.size != header.nbytes:
        raise _cut_short(path, wanted, data.size)
    return data[header.size :].view(header.dtype).reshape(header.shape)


def _cut_short(path: Path, expected: str, size: int) -> DatasetError:
    return bad_file(path, expected=expected, found=f"a file cut short, or of {size} bytes", fix=_REPLACE)
