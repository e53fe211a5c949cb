"""Every registered operation on every engine at several sizes, walked from the registry."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import xpnet
from xpnet import _backends
from xpnet_kernels import Operation, Sample, registry

QUICK, FULL = 1, 2
MATRICES = {(100, 50): QUICK, (1000, 1024): QUICK, (100, 10): FULL, (10_000, 50): FULL}
PRODUCTS = {
    (100, 784, 50): QUICK,
    (256, 1024, 1024): QUICK,
    (1, 784, 50): FULL,
    (100, 50, 10): FULL,
    (10_000, 784, 50): FULL,
    (2048, 2048, 2048): FULL,
}


def variants(operation: Operation) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """Yield backend, name and function of the reference and of every implementation that can run here."""
    for backend in (_backends.find(status.name) for status in xpnet.backends() if status.usable):
        if not backend.engines:
            yield (
                backend.name,
                "reference",
                lambda *a, backend=backend, **o: operation.reference(backend.xp, *a, **o),
            )
        engine = backend.engines.get(backend.family)
        for one in operation.implementations:
            if one.engine == engine:
                yield backend.name, one.variant, one.function


def sizes(operation: Operation) -> dict[Any, int]:
    """Return the sizes to measure: of the kind that the operation's own samples are made in."""
    module = vars(sys.modules[operation.reference.__module__])
    if "PRODUCT_SHAPES" in module:
        return PRODUCTS
    return MATRICES if "MATRIX_SHAPES" in module else {"largest sample": QUICK}


def cases() -> Iterator[Any]:
    """Yield a parameter for each operation, engine and size."""
    for operation in registry.values():
        for backend, variant, function in variants(operation):
            for size, least in sizes(operation).items():
                words = size if isinstance(size, str) else "x".join(map(str, size))
                marks = [pytest.mark.full] if least == FULL else []
                name = f"{operation.name}-{backend}-{variant}-{words}"
                yield pytest.param(operation, backend, function, size, id=name, marks=marks)


def sample(operation: Operation, size: Any, monkeypatch: pytest.MonkeyPatch) -> Sample:
    """Return the operation's own sample at this size, in float32."""
    module = sys.modules[operation.reference.__module__]
    for name in ("PRODUCT_SHAPES", "MATRIX_SHAPES"):
        if name in vars(module) and not isinstance(size, str):
            monkeypatch.setattr(module, name, (size,))
    found = list(operation.sample_inputs(np.random.default_rng(0), "float32"))
    return max(found, key=lambda one: sum(np.size(array) for array in one.arrays if array is not None))


def size_in_bytes(arrays: Any) -> int:
    """Return the bytes of an array, or of all in a tuple."""
    if isinstance(arrays, tuple | list):
        return sum(map(size_in_bytes, arrays))
    return int(getattr(arrays, "nbytes", 0))


@pytest.mark.parametrize(("operation", "backend", "function", "size"), list(cases()))
def test_operation(
    benchmark: Any,
    gate: Callable[..., None],
    operation: Operation,
    backend: str,
    function: Callable[..., Any],
    size: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Time one call, the device synchronised; store the rate."""
    chosen, one = xpnet.use(backend), sample(operation, size, monkeypatch)
    arrays = [None if array is None else chosen.asarray(array) for array in one.arrays]

    def call() -> Any:
        result = function(*arrays, **one.options)
        chosen.synchronize()
        return result

    result = call()  # compiles
    benchmark.group = f"{operation.name} {size}"
    benchmark(call)
    if benchmark.stats is None:  # --benchmark-disable
        return
    seconds = benchmark.stats.stats.median
    if sizes(operation) is PRODUCTS:
        products = 2 if "backward" in operation.name else 1
        benchmark.extra_info["GFLOP/s"] = round(2e-9 * products * np.prod(size) / seconds, 2)
        share = products * gemm(chosen, size) / benchmark.stats.stats.min
        benchmark.extra_info["% of the vendor GEMM"] = round(100 * share, 1)
    else:
        moved = size_in_bytes(tuple(arrays)) + size_in_bytes(result)
        benchmark.extra_info["GB/s"] = round(1e-9 * moved / seconds, 2)
    engine = chosen.engines.get(chosen.family, "")
    serves = next((i.function for i in operation.implementations if i.engine == engine), None)
    if function is serves and chosen.family == "numpy":
        gate(call, lambda: operation.reference(np, *arrays, **one.options))


def gemm(backend: Any, size: tuple[int, int, int]) -> float:
    """Return the best time of the vendor's product of this size, measured now."""
    rows, inner, columns = size
    draw = np.random.default_rng(0)
    a, b = (
        backend.asarray(draw.standard_normal(shape).astype(np.float32))
        for shape in ((rows, inner), (inner, columns))
    )
    best, stop = float("inf"), time.perf_counter() + 0.1
    while best == float("inf") or time.perf_counter() < stop:
        backend.synchronize()
        started = time.perf_counter()
        backend.xp.matmul(a, b)
        backend.synchronize()
        best = min(best, time.perf_counter() - started)
    return best
