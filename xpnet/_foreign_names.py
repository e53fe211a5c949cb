"""Tensors named by other tools: the line of Python that gives them to a net."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

MATRICES = {"weight": ".T", "kernel": ""}
"""The last part of a matrix's name, and what makes it (in, out): those of PyTorch are (out, in)."""

MOST = 12
"""How many tensors the line names; it would be too long to read with more."""


def bringing_in(path: Path, arrays: Mapping[str, np.ndarray[Any, Any]]) -> str:
    """Return how to bring a file's tensors into a net: where possible, a line that can be run as it is."""
    load = f"from safetensors.numpy import load_file; arrays = load_file({str(path)!r})"
    if _are_numbered(arrays):
        return f"Make the net as it was, and run: {load}; net.params.update(arrays)"
    pairs = _numbered(arrays)
    if not pairs or len(arrays) > MOST:
        return (
            f"Make a net of these layers, and run: {load}; then assign each tensor by its name in "
            "net.params, matrices as (in, out): net.params['W1'] = arrays[NAME] "
            "(arrays[NAME].T for one of PyTorch)"
        )
    transposed = any(pair.endswith(".T") for pair in pairs)
    why = "PyTorch's matrices are (out, in), xpnet's (in, out). " if transposed else ""
    return (
        f"{why}Make a net of these layers, see that the numbers follow their order, and run: {load}; "
        f"net.params.update({{{', '.join(pairs)}}})"
    )


def _are_numbered(arrays: Mapping[str, np.ndarray[Any, Any]]) -> bool:
    """Return whether the tensors are named as in `net.params`: W1, b1, W2, ..., no number left out."""
    found = [re.fullmatch(r"[A-Za-z_]+([1-9][0-9]*)", name) for name in arrays]
    numbers = {int(match.group(1)) for match in found if match}
    return all(found) and numbers == set(range(1, len(numbers) + 1)) and bool(numbers)


def _numbered(arrays: Mapping[str, np.ndarray[Any, Any]]) -> list[str]:
    """Return the entries of a dict from W1, b1, W2, ... to tensors; [] unless all are of Affine or MatMul."""
    layers: dict[str, list[str]] = {}
    for name in sorted(arrays, key=natural):
        layers.setdefault(re.sub("[^./]*$", "", name), []).append(name)
    entries = []
    for number, names in enumerate(layers.values(), 1):
        for name in names:
            last, axes = re.split("[./]", name)[-1], arrays[name].ndim
            if last in MATRICES and axes == 2:
                entries.append(f"'W{number}': arrays[{name!r}]{MATRICES[last]}")
            elif last == "bias" and axes == 1 and len(names) == 2:
                entries.append(f"'b{number}': arrays[{name!r}]")
            else:
                return []
    return entries


def natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts 2.weight before 10.weight."""
    parts: Iterable[str] = re.split("([0-9]+)", name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
