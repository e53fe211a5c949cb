"""A training step, an epoch on MNIST and inference, for each backend, net and batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import NETS, case_of, full

import xpnet
from xpnet.bench.case import Data
from xpnet.bench.contestant import Contestant
from xpnet.bench.contestants import of_backends
from xpnet.bench.player import make

CASES = [
    ("784-50-10", 100),
    ("784-1024-1024-10", 100),
    *(full("784-50-10", batch) for batch in (1, 10, 1000)),
    *(full(net, 100) for net in ("784-100-10", "784-256-128-10")),
]
BACKENDS = [status.name for status in xpnet.backends() if status.usable]
ENTRIES = of_backends()


def net_on(backend: str, net: str) -> Any:
    """Return a net on a backend."""
    xpnet.use(backend)
    return xpnet.nets.MultiLayerNet(784, NETS[net], 10, seed=0)


def step_of(backend: str, net: str, batch: int, data: Data) -> Callable[[], None]:
    """Return a function that takes one step, layer by layer."""
    made, sgd = net_on(backend, net), xpnet.optimizers.SGD(1e-4)
    x, t = made.backend.asarray(data.x[:batch]), made.backend.asarray(data.t[:batch])

    def step() -> None:
        sgd.update(made.params, made.gradient(x, t))
        made.backend.synchronize()

    step()  # compiles
    return step


@pytest.mark.parametrize(("net", "batch"), CASES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_step(
    benchmark: Any, gate: Callable[..., None], data: Data, backend: str, net: str, batch: int
) -> None:
    """One step, layer by layer."""
    step = step_of(backend, net, batch, data)
    benchmark.group = f"step {net} batch {batch}"
    benchmark(step)
    if backend != "numpy" and benchmark.stats is not None:
        gate(step, step_of("numpy", net, batch, data))


@pytest.mark.parametrize(("net", "batch"), CASES)
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.label)
def test_epoch(
    benchmark: Any, pytestconfig: pytest.Config, data: Data, entry: Any, net: str, batch: int
) -> None:
    """An epoch of `fit`; in the quick set, of the first 6,000 images."""
    samples = len(data.x) if pytestconfig.getoption("full") and batch > 1 else 6000
    contestant: Contestant = make(entry.spec, entry.options)
    case = case_of(net, batch)
    contestant.prepare(case, data, case.weights())
    order = np.arange(samples)

    def epoch() -> None:
        contestant.epoch(0, order)
        contestant.synchronize()

    benchmark.group = f"epoch {net} batch {batch}, {samples} images"
    benchmark.pedantic(epoch, rounds=3, warmup_rounds=1)
    if benchmark.stats is not None:
        benchmark.extra_info["images/s"] = round(samples / benchmark.stats.stats.median)


@pytest.mark.parametrize("samples", [1, 10_000])
@pytest.mark.parametrize("net", ["784-50-10", full("784-1024-1024-10")])
@pytest.mark.parametrize("backend", BACKENDS)
def test_inference(
    benchmark: Any, gate: Callable[..., None], data: Data, backend: str, net: str, samples: int
) -> None:
    """`predict` of one image, and of 10,000."""

    def predictor(name: str) -> Callable[[], None]:
        made = net_on(name, net)
        x = made.backend.asarray(data.x_test[:samples])

        def predict() -> None:
            made.predict(x)
            made.backend.synchronize()

        predict()
        return predict

    predict = predictor(backend)
    benchmark.group = f"inference {net}, {samples} images"
    benchmark(predict)
    if backend != "numpy" and benchmark.stats is not None:
        gate(predict, predictor("numpy"))
