"""Kinds of files that are mistaken for saved nets, told by their first bytes; nothing in them is run."""

from __future__ import annotations

import io
import zipfile
from typing import NamedTuple

_ARRAYS = "net.params.update({'W1': ..., 'b1': ...}) brings its arrays in, matrices as (in, out)"
_OTHER_TOOL = f"read it with the tool that wrote it; {_ARRAYS}"
_TORCH = (
    'read it in PyTorch with state = torch.load(path, map_location="cpu", weights_only=True); '
    "net.params.update({'W1': state['0.weight'].numpy().T, 'b1': state['0.bias'].numpy()}) brings tensors "
    "in, with the names that state has"
)
_NPZ = (
    "net.params.update(numpy.load(path)) brings its arrays in, if they are named W1, b1, ... as in net.params"
)
_NPY = "net.params['W1'] = numpy.load(path) brings it in"
_AGAIN = "download it again"
_PACKED = "unpack it, and give the file that net.save wrote"
_NO_NET = "give the file that net.save wrote"


class Kind(NamedTuple):
    """What a file looks like, in words, and what its user can do."""

    words: str
    advice: str


_BEGINNINGS = (
    (b"\x89HDF\r\n\x1a\n", Kind("an HDF5 file, as Keras writes (.h5)", _OTHER_TOOL)),
    (b"GGUF", Kind("a GGUF file", _OTHER_TOOL)),
    (b"\x93NUMPY", Kind("an array of NumPy (.npy)", _NPY)),
    (b"version https://git-lfs", Kind("a pointer of Git LFS in place of the file", "run git lfs pull")),
    (b"\x80\x02", Kind("a pickle, as older versions of PyTorch write (.pt, .pth)", _TORCH)),
    *((b"\x80" + bytes([protocol]), Kind("a pickle", _OTHER_TOOL)) for protocol in (3, 4, 5)),
    (b"\x1f\x8b", Kind("a gzip file", _PACKED)),
    (b"BZh", Kind("a bzip2 file", _PACKED)),
    (b"\xfd7zXZ\x00", Kind("an xz file", _PACKED)),
    (b"\x28\xb5\x2f\xfd", Kind("a Zstandard file", _PACKED)),
    (b"\x89PNG", Kind("a picture (PNG)", _NO_NET)),
    (b"\xff\xd8\xff", Kind("a picture (JPEG)", _NO_NET)),
    (b"GIF8", Kind("a picture (GIF)", _NO_NET)),
    (b"%PDF", Kind("a PDF document", _NO_NET)),
    (b"\x00\x00\x08", Kind("an IDX file, as MNIST's are", _NO_NET)),
)

_MEMBERS = (
    ("data.pkl", Kind("a checkpoint of PyTorch (.pt, .pth)", _TORCH)),
    (".npy", Kind("an archive of NumPy (.npz)", _NPZ)),
    ("model.weights.h5", Kind("a model of Keras (.keras)", _OTHER_TOOL)),
)

_LENGTH = 8
"""Bytes that tell the length of a safetensors header; the header begins with a brace."""

_LONGEST_HEADER = 100_000_000
"""Bytes; safetensors reads no longer one."""

_ONNX_SECOND_FIELDS = b"\x12\x1a\x22\x28\x32\x3a"
"""Tags of the fields that may follow the version in an ONNX model, which has no mark of its own."""


def kind_of(data: bytes) -> Kind | None:
    """Return what a file looks like, or None if it may be a safetensors file, whole or not, or is unknown.

    Parameters
    ----------
    data : bytes
        All of it.
    """
    if _may_be_safetensors(data):
        return None
    if data.startswith(b"PK\x03\x04"):
        return _kind_of_archive(data)
    for beginning, kind in _BEGINNINGS:
        if data.startswith(beginning):
            return kind
    if data[257:262] == b"ustar":
        return Kind("a tar archive", _PACKED)
    if data[4:8] == b"TFL3":
        return Kind("a TensorFlow Lite model", _OTHER_TOOL)
    if data[:1] == b"\x08" and data[2:3] in [bytes([tag]) for tag in _ONNX_SECOND_FIELDS]:
        return Kind("an ONNX model", _OTHER_TOOL)
    return _kind_of_text(data[:512])


def _may_be_safetensors(data: bytes) -> bool:
    """Return whether the beginning is that of a safetensors file, or of a piece of one."""
    size = int.from_bytes(data[:_LENGTH], "little")
    return size <= _LONGEST_HEADER and data[_LENGTH : _LENGTH + 1] in (b"{", b"")


def _kind_of_archive(data: bytes) -> Kind:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return Kind("a piece of a zip archive", _AGAIN)
    for ending, kind in _MEMBERS:
        if any(name.endswith(ending) for name in names):
            return kind
    return Kind("a zip archive", _PACKED)


def _kind_of_text(data: bytes) -> Kind | None:
    """Return the kind of a file that begins with text, or None if it is none."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if error.start < len(data) - 3:
            return None
        text = data[: error.start].decode(encoding)  # without the last character, which is cut
    if any(character < " " and character not in "\t\n\f\r" for character in text):
        return None
    if text.lstrip().startswith("<"):
        return Kind("a web page or XML in place of the file", _AGAIN)
    return Kind("text", _NO_NET)
