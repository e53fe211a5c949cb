"""Other libraries and xpnet on the same net, in turns, each in a process of its own, under one clock."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from gpu_sections import ways
from gpu_sections.bench import Bench, say
from xpnet.bench import contestants, threads
from xpnet.bench.case import Case
from xpnet.bench.compare import Comparison
from xpnet.bench.contestants import Entry
from xpnet.bench.floor import Floor
from xpnet.bench.remote import RemotePlayer, write_data

SECONDS_TO_FINISH = 20.0
"""Left at the end of the section for the last checks of everybody."""

WARM_STEPS = 21
"""Steps that each takes before the comparison: enough to capture a graph of twenty."""

BRIEF = (
    "xpnet persistent",
    "xpnet graph",
    "PyTorch eager",
    "PyTorch CUDA graph of 20 steps",
    "JAX, scan over",
)
"""Who takes part where not everybody does: the labels that start so."""


def run(bench: Bench, net: str, tf32: bool = False, cpu: bool = False, compiled: bool = False) -> None:
    """Compare on one net; with `compiled` everybody, with `cpu` also xpnet on the CPU."""
    case = bench.case(net, tf32)
    entries = _entries(bench, case, cpu, everybody=compiled)
    with tempfile.TemporaryDirectory(prefix="xpnet-gpu-") as name:
        folder = Path(name)
        write_data(bench.data, folder)
        with _players(bench, case, entries, folder) as waiting:
            result = Comparison(
                case,
                bench.data,
                waiting,
                epochs=_epochs(bench, case),
                threads=threads.available(),
                floor=floor(bench, tf32),
                settle=bench.plan.settle,
                until=min(bench.until - SECONDS_TO_FINISH, time.monotonic() + 3600),
                check_steps=30 if case.batch < 1000 else 4,
                xp=bench.device.xp,
                say=say,
            ).run()
    bench.record("comparison", net=net, tf32=tf32, result=result.to_dict())
    bench.failures += [f"{one.label}: {found}" for one in result.outcomes for found in one.problems[:1]]


def _epochs(bench: Bench, case: Case) -> int:
    small = case.flops(1) < 1e6
    return bench.plan.turns if small else bench.plan.wide_epochs


def _entries(bench: Bench, case: Case, cpu: bool, everybody: bool) -> list[Entry]:
    """Return who takes part: what is installed, applies to the net and may be run."""
    ours = [entry for entry in ways.entries(bench, cpu, case.tf32) if ways.left_out(bench, entry) is None]
    rivals = (
        contestants.of_rivals(["torch", "jax"])
        if bench.plan.dry
        else contestants.of_gpu_rivals(["torch", "jax"])
    )
    entries = [*ours, *sorted(rivals, key=lambda one: one.slow_to_compile)]
    chosen = [entry for entry in entries if everybody or entry.label.startswith(BRIEF)]
    missing = [entry.label for entry in chosen if not contestants.installed(entry)]
    if missing:
        bench.record("not installed", labels=missing)
    return [entry for entry in chosen if contestants.installed(entry)]


@contextlib.contextmanager
def _players(
    bench: Bench, case: Case, entries: list[Entry], folder: Path
) -> Iterator[dict[str, Callable[[], RemotePlayer]]]:
    """Start everybody's process and make all ready side by side: compiling takes most of the time there is.

    Yields what waits for each to be ready.
    """
    samples = len(bench.data.x)
    few = min(samples, WARM_STEPS * case.batch + samples % case.batch)
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(max(len(entries), 1)))
        waiting: dict[str, Callable[[], RemotePlayer]] = {}
        for index, entry in enumerate(entries):
            count, limit = threads.available(), bench.plan.player_limit
            player = RemotePlayer(entry.spec, entry.options, case, folder, f"player{index}", count, limit)
            stack.callback(player.close)
            waiting[entry.label] = pool.submit(_warmed, bench, entry.label, player, few).result
        yield waiting


def _warmed(bench: Bench, label: str, player: RemotePlayer, samples: int) -> RemotePlayer:
    """Return a player that has imported and compiled; raise what it failed with."""
    started = time.monotonic()
    player.prepare()
    player.epoch(0, samples)
    bench.record("made ready", label=label, seconds=time.monotonic() - started)
    return player


def floor(bench: Bench, tf32: bool) -> Floor:
    """Return the rates that the sections before measured; none, if they did not get so far."""
    products: list[dict[str, Any]] = bench.records("gemms" if tf32 else "environment")
    kind = "tf32" if tf32 else "sgemm"
    rates = [
        one["flop"] / median(one["device_ms"]) * 1e3
        for one in products
        if one["what"] == kind and "flop" in one
    ]
    copies = [
        one["bytes_moved"] / median(one["device_ms"]) * 1e3
        for one in bench.records("environment")
        if one["what"] == "copy" and "bytes_moved" in one
    ]
    unknown = float("inf")
    return Floor(max(rates, default=unknown), "the section before", max(copies, default=unknown))
