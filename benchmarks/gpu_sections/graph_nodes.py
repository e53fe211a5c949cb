"""What a node of a CUDA graph costs, and an epoch by how many steps a graph holds."""

from __future__ import annotations

import importlib
from typing import Any

from gpu_sections import SMALL, launches, ways
from gpu_sections.bench import Bench, say
from gpu_sections.epochs import timed
from xpnet_kernels import _launch

TOGETHER = "STEPS_TOGETHER"
"""What the captured epoch calls the number of steps in a graph."""


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
    module = importlib.import_module("xpnet_kernels.mlp_epoch.graph")
    before = getattr(module, TOGETHER)
    setattr(module, TOGETHER, steps)
    try:
        return timed(bench, bench.case(SMALL), entry)
    finally:
        setattr(module, TOGETHER, before)
