"""Who can take part: xpnet's backends, and the rivals that are installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
    on_gpu : bool
        Whether it needs a GPU.
    """

    label: str
    spec: str
    options: dict[str, Any] = field(default_factory=dict)
    slow_to_compile: bool = False
    on_gpu: bool = False


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

ON_A_GPU = {
    "torch": (
        Entry("PyTorch CUDA graph of a step", _TORCH, {"graph": 1}),
        Entry("PyTorch CUDA graph of 20 steps", _TORCH, {"graph": 20}),
    ),
    "jax": (Entry("JAX, scan unrolled by 10", _JAX, {"scan": True, "unroll": 10}, slow_to_compile=True),),
}
"""The contestants that a rival has besides, where its library computes on a CUDA GPU."""

_OURS, TIER = "xpnet.bench.ours:Ours", "xpnet.bench.tier:Tier"
WITHIN_A_FIT = {"variant": "kernel", "engine": "numba"}


def installed(entry: Entry) -> bool:
    """Return whether the module that an entry plays with is there, without importing it."""
    return all(
        entry.spec != one.spec or importlib.util.find_spec(rival) for rival in RIVALS for one in RIVALS[rival]
    )


def of_backends(names: Sequence[str] | None = None) -> list[Entry]:
    """Return the contestants of these backends, or of all that are usable here.

    `numba` takes part three times: `fit` has two paths on it, compiled and layer by layer, and an epoch of a
    compiled `fit` that has begun is timed as well; `numba-cuda` once for each of its ways.

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
            # What `fit` does once for all of its epochs is no part of these.
            entries.insert(-1, Entry(f"{label}, compiled, within a fit", TIER, WITHIN_A_FIT))
        elif backend.name == "numba-cuda":
            # Not `fit` of an epoch at a time: each would capture its graph, and time the ways, anew.
            entries += [one for one in of_tiers() if "pixels" not in one.options and "cupy" not in one.label]
        else:
            entries.append(Entry(label, _OURS, {"backend": backend.name}, on_gpu=backend.name == "cupy"))
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


def of_gpu_rivals(names: Sequence[str]) -> list[Entry]:
    """Return the contestants of these rivals beside a CUDA GPU.

    PyTorch and JAX must be able to use it: neither may fall back to the CPU.

    Raises
    ------
    ValueError
        If a name is unknown; lists the choices.
    """
    device = {"torch": {"device": "cuda"}, "jax": {"device": "gpu"}}
    entries = [(name, one) for name in names for one in (*of_rivals([name]), *ON_A_GPU.get(name, ()))]
    return [
        replace(one, options={**one.options, **device.get(name, {})}, on_gpu=name in device)
        for name, one in entries
    ]


def of_tiers(cpu: bool = False) -> list[Entry]:
    """Return xpnet's ways to train on a GPU; with `cpu`, the compiled one on the CPU as well."""
    made = [
        Entry("xpnet persistent", TIER, {"variant": "persistent"}),
        Entry("xpnet persistent, uint8", TIER, {"variant": "persistent", "pixels": True}),
        Entry("xpnet graph", TIER, {"variant": "graph"}),
        Entry("xpnet graph, uint8", TIER, {"variant": "graph", "pixels": True}),
        Entry("xpnet numba-cuda, layer by layer", _OURS, {"backend": "numba-cuda", "engine": "layers"}),
        Entry("xpnet cupy, layer by layer", _OURS, {"backend": "cupy", "engine": "layers"}),
    ]
    entries = [replace(one, on_gpu=True) for one in made]
    if cpu:
        entries.append(Entry("xpnet on the CPU", _OURS, {"backend": "numba", "engine": "compiled"}))
    return entries
