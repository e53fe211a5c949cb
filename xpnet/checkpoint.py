"""Saving and loading a net: one safetensors file with the architecture in its metadata, never a pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet import layers as built_in
from xpnet._atomic import write_atomically
from xpnet._backends import Backend, find, to_numpy
from xpnet._safetensors import changed, foreign, read, serialized
from xpnet._savable import CheckpointError, check_savable
from xpnet.layers import Layer

if TYPE_CHECKING:
    from xpnet.nets import Sequential

__all__ = ["CheckpointError", "load", "save"]

FORMAT_NAME = "xpnet-"
FORMAT = FORMAT_NAME + "1"


def save(net: Sequential, path: str | Path) -> None:
    """Write a net to one safetensors file; the net stays where and as it is.

    The file appears under its name only when it is whole. float32 and float64 are kept bit for bit. Equal
    nets make equal files.

    Parameters
    ----------
    net : Sequential
    path : str or Path
        An existing file is replaced.

    Raises
    ------
    CheckpointError
        If `load` could not make the net or one of its layers again from what the file would hold; says
        which, and how to make it one that can be saved. No file is written.
    OSError
        If the file cannot be written.
    """
    check_savable(net)
    # safetensors writes the memory as it lies: only C order gives the array back. Copies, since another
    # thread may be training the net.
    with net.one_at_a_time:
        arrays = {name: np.array(to_numpy(array), order="C") for name, array in net.params.items()}
    metadata = {"format": FORMAT, "net": json.dumps(describe(net))}
    metadata["sha256"] = fingerprint(arrays, metadata["net"])
    write_atomically(Path(path), serialized(arrays, metadata))


def describe(net: Sequential) -> dict[str, Any]:
    """Return a net's architecture as plain values."""
    return {
        "type": type(net).__name__,
        "dtype": str(net.dtype),
        "config": net.config(),
        **({"input_range": list(net.input_range)} if net.input_range is not None else {}),
        **({"classes": net.classes_.tolist()} if net.classes_ is not None else {}),
        "layers": [
            {
                "name": name,
                "type": type(layer).__name__,
                "parameters": list(layer.parameters),
                "config": layer.config(),
                **_own(layer),
            }
            for name, layer in net.layers.items()
        ],
        "loss": type(net.lastLayer).__name__,
        **{f"loss_{key}": value for key, value in _own(net.lastLayer).items()},
        **({"loss_config": config} if (config := net.lastLayer.config()) else {}),
    }


def _own(layer: Layer) -> dict[str, bool]:
    """Return what tells a layer of a user's own from xpnet's, which may have the same name."""
    kind = type(layer)
    return {} if getattr(built_in, kind.__name__, None) is kind else {"own": True}


def fingerprint(arrays: Mapping[str, np.ndarray[Any, Any]], architecture: str) -> str:
    """Return the SHA-256 of the architecture and of every array's name, dtype, shape and bytes."""
    digest = hashlib.sha256(architecture.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def load(
    path: str | Path,
    backend: str | Backend | None = None,
    layers: Mapping[str, type[Layer]] | None = None,
) -> Sequential:
    """Read a net from a file that `save` wrote.

    A file made on a GPU loads on a machine without one, and without CuPy.

    Parameters
    ----------
    path : str or Path
    backend : str or Backend, optional
        Where to put it; the backend in force by default.
    layers : dict of str to type, optional
        Layers of your own that the net uses, by class name.

    Returns
    -------
    Sequential
        Of the class that was saved, if it is one of `xpnet.nets`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CheckpointError
        If the file is damaged, was changed or was not written by xpnet, needs a layer that `layers` does not
        give, or holds other arguments than such a layer takes.
    """
    path = Path(path)
    architecture, arrays = _read(path)
    net = _build(path, architecture, arrays, dict(layers or {}))
    return net if backend is None else net.to(find(backend))


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    """Return architecture and arrays of a file whose hash is right."""
    arrays, metadata = read(path)
    ours = {"format", "net", "sha256"} <= set(metadata) and metadata["format"].startswith(FORMAT_NAME)
    if not ours:
        raise foreign(path, arrays)
    if metadata["format"] != FORMAT:
        raise CheckpointError(f"{path} has the format {metadata['format']!r}; this version reads {FORMAT!r}")
    if fingerprint(arrays, metadata["net"]) != metadata["sha256"]:
        raise changed(path, arrays, *_promised(metadata["net"]))
    architecture: dict[str, Any] = json.loads(metadata["net"])
    return architecture, arrays


def _promised(text: str) -> tuple[str, list[str]]:
    """Return the dtype and the parameters of an architecture; none if its text is damaged."""
    try:
        architecture = json.loads(text)
        return architecture["dtype"], _parameters(architecture)
    except (ValueError, KeyError, TypeError):
        return "", []


def _parameters(architecture: dict[str, Any]) -> list[str]:
    """Return the names of a net's parameters: `W1`, `b1` for the first layer that has any."""
    owners = [entry["parameters"] for entry in architecture["layers"] if entry["parameters"]]
    return [f"{name}{number}" for number, names in enumerate(owners, 1) for name in names]


def _build(
    path: Path,
    architecture: dict[str, Any],
    arrays: dict[str, np.ndarray[Any, Any]],
    given: Mapping[str, type[Layer]],
) -> Sequential:
    from xpnet import nets

    layers: dict[str, Layer] = {}
    number = 0
    for entry in architecture["layers"]:
        number += bool(entry["parameters"])
        cells = {name: arrays[f"{name}{number}"] for name in entry["parameters"]}
        known = _known(given, entry.get("own", False))
        layers[entry["name"]] = _made(path, known, entry["type"], {**cells, **entry["config"]})
    known = _known(given, architecture.get("loss_own", False))
    net = nets.Sequential(
        layers,
        loss=_made(path, known, architecture["loss"], architecture.get("loss_config", {})),  # type: ignore[arg-type]
        dtype=architecture["dtype"],
        **architecture["config"],
    )
    net.input_range, net.classes_ = architecture.get("input_range"), architecture.get("classes")
    # The subclasses only choose the layers, which the file has chosen already.
    net.__class__ = getattr(nets, architecture["type"], nets.Sequential)
    return net


def _known(given: Mapping[str, type[Layer]], own: bool) -> Mapping[str, type[Layer]]:
    """Return the layers by name; for one of a user's own those given alone."""
    return given if own else {name: getattr(built_in, name) for name in built_in.__all__} | dict(given)


def _made(path: Path, known: Mapping[str, type[Layer]], name: str, arguments: dict[str, Any]) -> Layer:
    """Return a layer made from what the file holds for it."""
    if name not in known:
        raise CheckpointError(
            f"{path} needs a layer {name!r} of your own; pass it: "
            f"xpnet.load(path, layers={{{name!r}: {name}}})"
        )
    try:
        return known[name](**arguments)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path}: the layer {name!r} cannot be made from what was saved, "
            f"{name}({', '.join(f'{key}=...' for key in arguments)}): {error}; "
            "give the class as it was when the net was saved"
        ) from error
