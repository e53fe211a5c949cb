"""xpnet's ways to train on a GPU, as contestants; in a dry run, ways on the CPU that are called alike."""

from __future__ import annotations

from typing import Any

from gpu_sections.bench import Bench
from xpnet.bench import contestants
from xpnet.bench.contestant import Contestant
from xpnet.bench.contestants import Entry
from xpnet.bench.player import make

PERSISTENT, DETERMINISTIC, GRAPH = "xpnet persistent", "xpnet persistent, deterministic", "xpnet graph"

_DRY = {"persistent": "kernel", "graph": "kernel", "numba-cuda": "numba", "cupy": "numpy"}
"""What a dry run puts in the place of a variant and of a backend."""


def entries(bench: Bench, cpu: bool = False, tf32: bool = False) -> list[Entry]:
    """Return xpnet's contestants; with `cpu` that on the CPU as well, with `tf32` those that can take it."""
    found = contestants.of_tiers(cpu)
    if tf32:
        found = [one for one in found if one.label.startswith(GRAPH)]
    return [Entry(one.label, one.spec, _dry(one.options)) for one in found] if bench.plan.dry else found


def alone(bench: Bench, tf32: bool = False) -> list[Entry]:
    """Return xpnet's contestants and, unless for TF32, those that are only compared among themselves."""
    options = {"variant": "persistent", "deterministic": True}
    more = Entry(DETERMINISTIC, contestants.TIER, _dry(options) if bench.plan.dry else options)
    return [*entries(bench, tf32=tf32), *([] if tf32 else [more])]


def _dry(options: dict[str, Any]) -> dict[str, Any]:
    changed = {name: _DRY.get(value, value) for name, value in options.items()}
    if "variant" not in changed:
        return changed
    changed.pop("deterministic", None)
    return {"engine": "numba", **changed}


def named(bench: Bench, label: str) -> Entry:
    """Return the contestant of this label."""
    return next(one for one in [*alone(bench), *entries(bench, cpu=True)] if one.label == label)


def left_out(bench: Bench, entry: Entry) -> str | None:
    """Return why a contestant must not be run now, or None."""
    return bench.waits_for_ever if entry.label.startswith(PERSISTENT) else None


def made(entry: Entry) -> Contestant:
    """Return the contestant in this process."""
    return make(entry.spec, entry.options)
