"""What a node of a CUDA graph costs, and an epoch by how many steps a graph holds."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

from gpu_sections import SMALL, launches, ways
from gpu_sections.bench import Bench, say
from gpu_sections.epochs import timed
from xpnet_kernels import _launch

PACKAGE, TOGETHER = "xpnet_kernels.mlp_epoch.graph", "STEPS_TOGETHER"
"""The captured epoch, and what it calls the number of steps in a graph."""


def run(bench: Bench) -> None:
    """Record graphs of empty kernels, on one block and on many; then epochs."""
    for nodes in bench.plan.nodes:
        for blocks in bench.plan.blocks[0], bench.plan.blocks[-1]:
            with bench.attempt("empty nodes", nodes=nodes, blocks=blocks):
                bench.record("empty nodes", nodes=nodes, blocks=blocks, **empty(bench, nodes, blocks))
    for steps in bench.plan.nodes:
        with bench.attempt("steps in a graph", together=steps):
            say(f"{steps} steps in a graph")
            bench.record("steps in a graph", together=steps, **epoch(bench, steps))


def empty(bench: Bench, nodes: int, blocks: int) -> dict[str, Any]:
    """Return the times of a graph of kernels that do nothing, one after the other."""
    kernel, array = launches.kernels()[1], bench.device.xp.zeros(64, dtype=bench.device.xp.float32)

    def chain() -> None:
        for _ in range(nodes):
            _launch.launch(kernel, blocks, launches.BLOCK, array)

    graph = bench.device.graph(chain)
    return bench.device.samples(lambda: graph.launch(), bench.plan.repeats)


def epoch(bench: Bench, steps: int) -> dict[str, Any]:
    """Return the times of epochs of the captured step, so many steps in a graph."""
    entry = ways.named(bench, ways.GRAPH)
    if bench.plan.dry:
        return timed(bench, bench.case(SMALL), entry)
    with together(steps):
        return timed(bench, bench.case(SMALL), entry)


@contextlib.contextmanager
def together(steps: int) -> Iterator[None]:
    """Let a graph hold so many steps within, whichever module of the captured epoch says it.

    Raises
    ------
    RuntimeError
        If none does.
    """
    package = importlib.import_module(PACKAGE)
    names = [one.name for one in pkgutil.iter_modules(package.__path__, f"{PACKAGE}.")]
    modules = [package, *(importlib.import_module(name) for name in names)]
    before = {module: getattr(module, TOGETHER) for module in modules if hasattr(module, TOGETHER)}
    if not before:
        raise RuntimeError(f"no module of {PACKAGE} says {TOGETHER}")
    for module in before:
        setattr(module, TOGETHER, steps)
    try:
        yield
    finally:
        for module, value in before.items():
            setattr(module, TOGETHER, value)
