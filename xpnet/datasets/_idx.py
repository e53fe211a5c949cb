"""Read one IDX file, compressed or not, without trusting it.

The format: http://yann.lecun.com/exdb/mnist/, section "file formats".
"""

from __future__ import annotations

import contextlib
import gzip
import io
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt

from xpnet.datasets._errors import bad_file
from xpnet.datasets._spec import IdxFile

Bytes = npt.NDArray[np.uint8]

INPUT_RANGE = 0, 255
"""Of pixels that are bytes."""

_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"


def read_idx(source: Path | bytes, file: IdxFile, where: str) -> Bytes:
    """Read a whole IDX file and check its header and size.

    Parameters
    ----------
    source : Path or bytes
        The file, or the content of one. Whether it is compressed is decided by its first two bytes, not by
        its name: browsers unpack ``.gz`` files on the way and keep the name.
    file : IdxFile
        What it should be.
    where : str
        What to call it in an error.

    Returns
    -------
    ndarray
        (file.nbytes,) uint8, header included; writable.

    Raises
    ------
    DatasetError
        The file cannot be read to its end, or its header or size is not the expected one.
    """
    # One byte more than a good file has: enough to notice a longer one, and to make gzip check its CRC at the
    # end.
    data = read_bytes(source, file.nbytes + 1, _wanted(file), where)
    header = np.frombuffer(file.header, np.uint8)
    if data.size != file.nbytes or not np.array_equal(data[: header.size], header):
        raise bad_file(where, expected=_wanted(file), found=_describe(data, file.nbytes))
    return data


def peek_idx(path: Path, file: IdxFile) -> None:
    """Check the header and the size: as much as can be said of a big file in a millisecond.

    Raises
    ------
    DatasetError
        As `read_idx`.
    """
    data = read_bytes(path, len(file.header), _wanted(file), str(path))
    if data.tobytes() != file.header:
        raise bad_file(path, expected=_wanted(file), found=_describe(data, file.nbytes))
    if (size := claimed_size(path)) != file.nbytes:
        raise bad_file(path, expected=_wanted(file), found=f"a file cut short, or of {size} bytes")


def payload(data: Bytes, file: IdxFile) -> Bytes:
    """Return the array in an IDX file that `read_idx` passed: a view of shape `file.shape`."""
    return data[len(file.header) :].reshape(file.shape)


def read_bytes(source: Path | bytes, limit: int, wanted: str, where: str) -> Bytes:
    """Read at most `limit` decompressed bytes.

    Parameters
    ----------
    source : Path or bytes
        The file, or the content of one, compressed or not.
    limit : int
        The most to read; also the memory that is set aside.
    wanted, where : str
        What an error says was expected, and what it calls the file.

    Returns
    -------
    ndarray
        (n,) uint8, n <= limit; writable.

    Raises
    ------
    DatasetError
        The file cannot be read that far.
    """
    buffer = np.empty(limit, np.uint8)
    view = buffer.data
    filled = 0
    try:
        with contextlib.ExitStack() as stack:
            stream = _open(source, stack)
            while filled < limit and (count := stream.readinto(view[filled : filled + _CHUNK])):
                filled += count
    except (OSError, EOFError, zlib.error) as error:
        found = f"a file that ends or breaks after {filled} bytes ({error})"
        if isinstance(error, OSError) and error.strerror and not filled:
            found = f"no readable file ({error.strerror})"
        raise bad_file(where, expected=wanted, found=found) from error
    return buffer[:filled]


def claimed_size(path: Path) -> int:
    """Return the file's size, or what the last four bytes of a gzip file say that it is decompressed."""
    with path.open("rb") as stream:
        packed = stream.read(2) == _GZIP
        size = stream.seek(-4 if packed else 0, io.SEEK_END)
        return int.from_bytes(stream.read(4), "little") if packed else size


def _open(source: Path | bytes, stack: contextlib.ExitStack) -> io.BufferedIOBase:
    raw = cast(BinaryIO, io.BytesIO(source) if isinstance(source, bytes) else source.open("rb"))
    stack.enter_context(raw)
    packed = raw.read(2) == _GZIP
    raw.seek(0)
    return stack.enter_context(gzip.GzipFile(fileobj=raw)) if packed else cast(io.BufferedIOBase, raw)


def _wanted(file: IdxFile) -> str:
    what = "labels" if file.holds_labels else "images"
    return f"{what}, an IDX file of uint8 {file.shape} ({file.nbytes} bytes)"


def _describe(data: Bytes, expected_size: int) -> str:
    head = data[:16].tobytes()
    size = f"{data.size} bytes" if data.size <= expected_size else f"more than {expected_size} bytes"
    axes = head[3] if len(head) > 3 and head[:3] == b"\0\0\x08" else 0
    if not axes or len(head) < 4 + 4 * axes:
        return f"{size} that are not IDX (they begin with {head[:8]!r})"
    shape = struct.unpack_from(f">{axes}I", head, 4)
    return f"an IDX file that says it is uint8 {shape} ({size} read)"
