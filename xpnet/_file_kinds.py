"""Kinds of files that are mistaken for saved nets, told by their first bytes; nothing in them is run."""

from __future__ import annotations

import contextlib
import zipfile
from pathlib import Path

_BEGINNINGS = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes (.h5)"),
    (b"GGUF", "a GGUF file"),
    (b"\x93NUMPY", "an array of NumPy (.npy)"),
    (b"\x1f\x8b", "a gzip file; unpack it first"),
    (b"version https://git-lfs", "a pointer of Git LFS in place of the file; run git lfs pull"),
    (b"<", "a web page or XML in place of the file; download it again"),
    (b"\x80\x02", "a pickle, as older versions of PyTorch write (.pt, .pth)"),
    (b"\x80\x03", "a pickle"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
)

_MEMBERS = (
    ("data.pkl", "a checkpoint of PyTorch (.pt, .pth)"),
    (".npy", "an archive of NumPy (.npz)"),
    ("model.weights.h5", "a model of Keras (.keras)"),
)

_LENGTH = 8
"""Bytes before the header of a safetensors file, which begins with a brace."""


def kind_of(data: bytes, path: Path) -> str | None:
    """Return what a file looks like, or None if it may be a safetensors file.

    Parameters
    ----------
    data : bytes
        All of it.
    path : Path
        Its suffix tells ONNX, which has no mark of its own.
    """
    if data[_LENGTH : _LENGTH + 1] == b"{":
        return None
    if data.startswith(b"PK\x03\x04"):
        return _kind_of_archive(path)
    for beginning, kind in _BEGINNINGS:
        if data.startswith(beginning):
            return kind
    if path.suffix.lower() == ".onnx" and data[:1] == b"\x08":
        return "an ONNX model"
    if data and _is_text(data[:512]):
        return "text"
    return None


def _kind_of_archive(path: Path) -> str:
    names: list[str] = []
    with contextlib.suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    for ending, kind in _MEMBERS:
        if any(name.endswith(ending) for name in names):
            return kind
    return "a zip archive"


def _is_text(data: bytes) -> bool:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        text = data[: error.start].decode("utf-8") if error.start > len(data) - 4 else "\0"
    return all(character.isprintable() or character in "\r\n\t" for character in text)
