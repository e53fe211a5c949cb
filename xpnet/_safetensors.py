"""Safetensors files: the same bytes for the same content, and errors about files of other tools."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from xpnet._file_kinds import kind_of
from xpnet._foreign_names import bringing_in, natural
from xpnet._savable import CheckpointError

Arrays = Mapping[str, np.ndarray[Any, Any]]

SHOWN = 6
"""How many tensors an error lists."""


class Contents(NamedTuple):
    """What a file holds.

    Attributes
    ----------
    arrays : dict of str to array
    metadata : dict of str to str
    """

    arrays: dict[str, np.ndarray[Any, Any]]
    metadata: dict[str, str]


def serialized(arrays: Arrays, metadata: Mapping[str, str]) -> bytes:
    """Return a safetensors file; the same bytes for the same content.

    safetensors 0.8 writes the metadata in an order that differs from call to call. The header is written
    again here, with the metadata sorted, and filled up with blanks to a multiple of 8 bytes, as there.
    """
    from safetensors.numpy import save

    data = save(dict(arrays), dict(metadata))
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def read(path: Path) -> Contents:
    """Return what a safetensors file holds.

    Raises
    ------
    OSError
        If it cannot be read.
    CheckpointError
        If it is another kind of file, not whole, or holds dtypes that NumPy lacks; says which.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    data = path.read_bytes()
    if kind := kind_of(data):
        raise CheckpointError(
            f"{path} is not a file written by net.save: it looks like {kind.words}; {kind.advice}"
        )
    try:
        arrays = load(data)
        metadata = _header(data).get("__metadata__", {})
    except KeyError as error:  # of safetensors, for a dtype that NumPy lacks
        raise CheckpointError(
            f"{path} holds the dtype {error.args[0]}, which NumPy lacks; convert its tensors to float32 with "
            "the tool that wrote them, and save them again"
        ) from None
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"{path} is not a whole file written by net.save ({type(error).__name__}: {error}); "
            "save the net again or take another copy"
        ) from None
    return Contents(arrays, metadata)


def _header(data: bytes) -> dict[str, Any]:
    size = int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(data[8 : 8 + size])
    return header


def foreign(path: Path, arrays: Arrays) -> CheckpointError:
    """Return the error that a whole safetensors file holds tensors, but not the architecture of a net."""
    return CheckpointError(
        f"{path} was written by another tool: it is a whole safetensors file, without the architecture that "
        f"net.save keeps. It holds {listed(arrays)}. {bringing_in(path, arrays)}"
    )


def changed(path: Path, arrays: Arrays, dtype: str, names: Collection[str]) -> CheckpointError:
    """Return the error that a file's arrays are not those that were saved.

    Parameters
    ----------
    path : Path
    arrays : dict of str to array
        What the file holds.
    dtype : str
        The net's.
    names : collection of str
        The net's parameters.
    """
    others = sorted({str(array.dtype) for array in arrays.values()} - {dtype})
    missing = [name for name in names if name not in arrays]
    if missing:
        what = f"it holds {listed(arrays)}, and lacks {', '.join(missing)}"
    elif others:
        what = f"its arrays are {', '.join(others)}, but {dtype} was saved: another tool has converted them"
    else:
        what = (
            "its arrays or its layers are not those that were saved: another tool has changed them (it was "
            "trained on or converted elsewhere), or the file is damaged"
        )
    return CheckpointError(
        f"{path} is damaged or was changed: {what}. Take another copy; or, if the change was meant: "
        f"{bringing_in(path, arrays)}"
    )


def listed(arrays: Arrays) -> str:
    """Return tensors in words: names, shapes and dtypes of the first few."""
    names = sorted(arrays, key=natural)[:SHOWN]  # safetensors reads them in an order of its own
    shown = ", ".join(f"{name} {tuple(arrays[name].shape)} {arrays[name].dtype}" for name in names)
    more = f", ... ({len(arrays)} in all)" if len(arrays) > SHOWN else ""
    return (shown or "no tensor") + more
