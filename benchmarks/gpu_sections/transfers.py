"""What comes before an epoch: drawing the order, bringing it to the device, and the data once."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from gpu_sections.bench import Bench
from xpnet.bench.tier import to_pixels


def run(bench: Bench) -> None:
    """Record the drawing of a permutation on the host, and the uploads."""
    samples, xp = len(bench.data.x), bench.device.xp
    draw = np.random.default_rng(0)
    drawn = clock(bench, lambda: draw.permutation(samples))
    bench.record("drawing the order", samples=samples, wall_ms=drawn)
    order = draw.permutation(samples)
    uploads: dict[str, Any] = {
        "order, int64": order,
        "order, int32": order.astype(np.int32),
        "data, float32": bench.data.x,
        "data, uint8": to_pixels(bench.data.x),
    }
    for name, array in uploads.items():
        with bench.attempt("upload", name=name):
            taken = bench.device.samples(functools.partial(xp.asarray, array), bench.plan.repeats)
            bench.record("upload", name=name, bytes=array.nbytes, **taken)


def clock(bench: Bench, function: Callable[[], Any]) -> list[float]:
    """Return milliseconds of calls on the host."""
    taken = []
    for _ in range(bench.plan.repeats):
        started = time.perf_counter()
        function()
        taken.append(1e3 * (time.perf_counter() - started))
    return taken
