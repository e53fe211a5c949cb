"""Who can take part: xpnet's backends, and the rivals that are installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import xpnet
from xpnet._backends import find


@dataclass(frozen=True)
class Entry:
    """One contestant.

    Attributes
    ----------
    label : str
        What tables and pictures call it.
    spec, options
        As `Player` takes them.
    slow_to_compile : bool
        Whether it takes many seconds for every new shape, and so stays out of the sweep.
    """

    label: str
    spec: str
    options: dict[str, Any] = field(default_factory=dict)
    slow_to_compile: bool = False


_TORCH, _JAX = "xpnet.bench.rivals.pytorch:Torch", "xpnet.bench.rivals.jax_xla:Jax"

RIVALS = {
    "torch": (
        Entry("PyTorch eager", _TORCH),
        Entry("PyTorch compiled", _TORCH, {"compiled": True}, slow_to_compile=True),
    ),
    "jax": (Entry("JAX, jit per step", _JAX), Entry("JAX, scan over the epoch", _JAX, {"scan": True})),
    "sklearn": (Entry("scikit-learn", "xpnet.bench.rivals.scikit:ScikitLearn"),),
    "tinygrad": (Entry("tinygrad", "xpnet.bench.rivals.tiny:Tinygrad", slow_to_compile=True),),
}
"""What `--vs` may name: the module that must be installed, and its contestants."""

_OURS = "xpnet.bench.ours:Ours"


def installed(entry: Entry) -> bool:
    """Return whether the module that an entry plays with is there, without importing it."""
    return all(entry not in RIVALS[rival] or importlib.util.find_spec(rival) for rival in RIVALS)


def of_backends(names: Sequence[str] | None = None) -> list[Entry]:
    """Return the contestants of these backends, or of all that are usable here.

    `numba` takes part twice, because `fit` has two paths on it: compiled, and layer by layer.

    Raises
    ------
    ValueError, BackendUnavailableError
        If a name is unknown, or the backend cannot be used here.
    """
    if names is None:
        names = [status.name for status in xpnet.backends() if status.usable]
    entries: list[Entry] = []
    for name in names:
        backend = find(name)
        label = f"xpnet {backend.name}"
        if backend.name == "numba":
            for engine, words in (("compiled", "compiled"), ("layers", "layer by layer")):
                options = {"backend": backend.name, "engine": engine}
                entries.append(Entry(f"{label}, {words}", _OURS, options))
        else:
            entries.append(Entry(label, _OURS, {"backend": backend.name}))
    return entries


def of_rivals(names: Sequence[str]) -> list[Entry]:
    """Return the contestants of these rivals.

    Raises
    ------
    ValueError
        If a name is unknown; lists the choices.
    """
    for name in names:
        if name not in RIVALS:
            raise ValueError(f"unknown rival {name!r}; choose among {', '.join(RIVALS)}")
    return [entry for name in names for entry in RIVALS[name]]
