"""What the suites share: the options, the data, and the gate against a peer measured in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import xpnet
from xpnet import _backends
from xpnet.bench.case import Case, Data

NETS = {
    "784-50-10": (50,),
    "784-100-10": (100,),
    "784-256-128-10": (256, 128),
    "784-1024-1024-10": (1024, 1024),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--full` and `--gate`."""
    group = parser.getgroup("xpnet benchmarks")
    group.addoption("--full", action="store_true", help="everything, not the quick set of under five minutes")
    group.addoption(
        "--gate",
        type=float,
        metavar="FACTOR",
        help="fail what takes more than FACTOR times as long as its peer (NumPy) measured in the same run",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Save every run, so that `--benchmark-compare` has something to compare with."""
    config.addinivalue_line("markers", "full: only with --full")
    if not config.pluginmanager.hasplugin("benchmark"):
        raise pytest.UsageError("the benchmarks need pytest-benchmark: pip install -e . --group bench")
    if not config.getoption("benchmark_disable"):
        from pytest_benchmark.utils import get_tag

        config.option.benchmark_autosave = config.option.benchmark_autosave or get_tag()
        config.option.benchmark_min_rounds = 3
        if not config.getoption("full"):
            config.option.benchmark_max_time = "0.2"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only `--full` measures."""
    if not config.getoption("full"):
        left_out = [item for item in items if item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("full")]


def full(*values: Any) -> Any:
    """Mark a parameter as one that only `--full` measures."""
    return pytest.param(*values, marks=pytest.mark.full)


@pytest.fixture(autouse=True)
def same_switch_after() -> Any:
    """Put the backend back that was in force."""
    before = _backends._current
    yield
    _backends._set(before)


@pytest.fixture(scope="session")
def data() -> Data:
    """Return MNIST where it is on this disk, else random numbers of its shape: the time is the same."""
    try:
        train, test = xpnet.datasets.mnist()
        return Data(*(np.ascontiguousarray(array) for array in (*train, *test)))
    except xpnet.datasets.DatasetError:
        draw = np.random.default_rng(0)
        x, t = draw.random((60_000, 784), dtype=np.float32), draw.integers(0, 10, 60_000)
        return Data(x, t, x[:10_000], t[:10_000])


@pytest.fixture
def gate(request: pytest.FixtureRequest, benchmark: Any) -> Callable[..., None]:
    """Return a function that compares what was measured with a peer measured now, in turns.

    The ratio stands in the saved run as `ratio_to_peer`; with `--gate` a larger one fails.
    """
    limit = request.config.getoption("gate")

    def compare(mine: Callable[[], Any], peer: Callable[[], Any], rounds: int = 7) -> None:
        pairs = [(_seconds(mine), _seconds(peer)) for _ in range(rounds)]
        ratio = statistics.median(own / other for own, other in pairs)
        benchmark.extra_info["ratio_to_peer"] = round(ratio, 3)
        assert limit is None or ratio <= limit, f"{ratio:.2f} times as long as its peer in the same run"

    return compare


def _seconds(function: Callable[[], Any]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def case_of(net: str, batch: int, samples: int | None = None) -> Case:
    """Return the case of one of NETS."""
    return Case((784, *NETS[net], 10), batch, min(0.1, 0.003 * batch), samples=samples)
