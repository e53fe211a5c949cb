"""What a launch costs the host: by the number of arguments, and by the way it is made."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from gpu_sections.bench import Bench
from xpnet_kernels import _jit, _launch

BLOCK = 32


def _nothing_0() -> None:
    pass


def _nothing_1(a: Any) -> None:
    pass


def _nothing_4(a: Any, b: Any, c: Any, d: Any) -> None:
    pass


def _nothing_8(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> None:
    pass


EMPTY = {0: _nothing_0, 1: _nothing_1, 4: _nothing_4, 8: _nothing_8}
"""Kernels that do nothing, by the number of their arrays."""


def kernels() -> dict[int, Any]:
    """Return `EMPTY`, compiled when first launched."""
    _jit.load_cuda()
    cuda = importlib.import_module("numba.cuda")
    return {count: cuda.jit(function) for count, function in EMPTY.items()}


def run(bench: Bench) -> None:
    """Record the host's time of a launch, in samples of many."""
    xp = bench.device.xp
    arrays = [xp.zeros(64, dtype=xp.float32) for _ in range(8)]
    for count, kernel in kernels().items():
        for way, call in ways(bench, kernel, arrays[:count]):
            with bench.attempt("launch", way=way, arrays=count):
                bench.record("launch", way=way, arrays=count, host_us=cost(bench, call))
    with bench.attempt("launch", way="CuPy's own ufunc", arrays=3):
        one, two, out = arrays[:3]
        taken = cost(bench, lambda: xp.multiply(one, two, out=out))
        bench.record("launch", way="CuPy's own ufunc", arrays=3, host_us=taken)


def ways(bench: Bench, kernel: Any, arrays: list[Any]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield ways to launch a kernel on arrays, by name."""
    yield "as xpnet launches", lambda: _launch.launch(kernel, 1, BLOCK, *arrays)
    views = [bench.device.view(array) for array in arrays]
    yield "numba, configured each time", lambda: kernel[1, BLOCK](*views)
    kept = kernel[1, BLOCK]
    yield "numba, configured once", lambda: kept(*views)
    if not bench.plan.dry:  # the simulator takes no array of another library
        yield "numba, CuPy's arrays", lambda: kept(*arrays)


def cost(bench: Bench, call: Callable[[], Any]) -> list[float]:
    """Return microseconds a call, without waiting for the device within a sample."""
    call()
    bench.device.synchronize()
    taken = []
    for _ in range(bench.plan.repeats):
        started = time.perf_counter()
        for _ in range(bench.plan.calls):
            call()
        taken.append(1e6 * (time.perf_counter() - started) / bench.plan.calls)
        bench.device.synchronize()
    return taken
