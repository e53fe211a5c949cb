"""cuBLAS alone, through PyTorch: its rates in float32 and TF32, and the products of the wide nets' steps."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable
from typing import Any

from gpu_sections import WIDE, doubles
from gpu_sections.bench import Bench, say
from xpnet.bench.case import Case

NETS = (WIDE, "1024,1024@256")
PRECISIONS = {"fp32": "highest", "tf32": "high"}
"""By PyTorch's names."""


def run(bench: Bench) -> None:
    """Record rates of square products, then a step's products of each wide net."""
    alone = Products(bench)
    before = alone.torch.get_float32_matmul_precision()
    try:
        for kind, name in PRECISIONS.items():
            alone.torch.set_float32_matmul_precision(name)
            measure(bench, alone, kind)
    finally:
        alone.torch.set_float32_matmul_precision(before)


def measure(bench: Bench, alone: Products, kind: str) -> None:
    """Record the products in one precision."""
    for side in bench.plan.sides:
        with bench.attempt(kind, side=side):
            bench.record(kind, side=side, flop=2 * side**3, **alone.square(side))
    samples = len(bench.data.x)
    for net in NETS:
        case = bench.case(net)
        with bench.attempt("step", net=net, kind=kind):
            say(f"{case}, {kind}")
            for batch in sorted({min(case.batch, samples), samples % case.batch} - {0}):
                found = alone.step(case, batch)
                bench.record("step", net=net, kind=kind, batch=batch, samples=samples, **found)


class Products:
    """Times matrix products.

    Parameters
    ----------
    bench : Bench
        Whose GPU PyTorch computes on.
    """

    def __init__(self, bench: Bench) -> None:
        self.torch: Any = importlib.import_module("torch")
        self.plan = bench.plan
        self.cuda = doubles.torch_cuda if bench.plan.dry else self.torch.cuda
        self.device = "cpu" if bench.plan.dry else "cuda"

    def random(self, *shape: int) -> Any:
        """Return numbers of a normal distribution."""
        return self.torch.randn(*shape, device=self.device)

    def square(self, side: int) -> dict[str, Any]:
        """Return the times of one product of square matrices, without a graph: it takes long enough."""
        a, b, out = (self.random(side, side) for _ in range(3))
        return {"device_ms": self.times(lambda: self.torch.mm(a, b, out=out))}

    def step(self, case: Case, batch: int) -> dict[str, Any]:
        """Return the times of all products of a step, captured as one graph, and their arithmetic.

        The update is part of the last ones: W takes -lr xᵀ dy as the product is made.
        """
        widths = case.sizes
        xs = [self.random(batch, width) for width in widths]
        dys = [self.random(batch, width) for width in widths]
        ws = [0.01 * self.random(*shape) for shape in itertools.pairwise(widths)]
        mm = self.torch.mm

        def products() -> None:
            for layer, w in enumerate(ws):
                mm(xs[layer], w, out=xs[layer + 1])
            for layer in range(len(ws) - 1, -1, -1):
                if layer:
                    mm(dys[layer + 1], ws[layer].T, out=dys[layer])
                ws[layer].addmm_(xs[layer].T, dys[layer + 1], alpha=-1e-9)

        return {"device_ms": self.times(self.captured(products)), "flop": case.flops(batch)}

    def captured(self, function: Callable[[], None]) -> Callable[[], None]:
        """Return what replays a function's launches as one graph."""
        for _ in range(3):
            function()
        self.cuda.synchronize()
        graph = self.cuda.CUDAGraph()
        with self.cuda.graph(graph):
            function()
        replay: Callable[[], None] = graph.replay
        return replay

    def times(self, function: Callable[[], Any]) -> list[float]:
        """Return milliseconds between events, after three runs that are not timed."""
        taken = []
        for number in range(-3, self.plan.repeats):
            before, after = self.cuda.Event(enable_timing=True), self.cuda.Event(enable_timing=True)
            before.record()
            function()
            after.record()
            after.synchronize()
            if number >= 0:
                taken.append(float(before.elapsed_time(after)))
        return taken
