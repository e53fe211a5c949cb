"""The sections of `benchmarks/gpu.py` on doubles: each function runs, so that no slip costs time on a GPU."""

import dataclasses
import importlib
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from engines import gpu_is_usable

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from gpu_sections import (
    FIRST_STEP,
    SECTIONS,
    barrier,
    correctness,
    data,
    epochs,
    graph_nodes,
    peers,
    suite,
    ways,
)
from gpu_sections.bench import Bench, plain
from gpu_sections.plan import DRY

from xpnet.bench import contestants
from xpnet.bench.contestants import Entry
from xpnet.bench.reference import Trained

DISTINCT = list({(one.function, "tf32" in one.options): one for one in reversed(SECTIONS)}.values())


@pytest.fixture
def bench():
    if gpu_is_usable():
        pytest.skip("there is a GPU: the sections run on it")
    pytest.importorskip("numba_cuda")
    return Bench(DRY, io.StringIO())


def recorded(bench):
    return [json.loads(line, parse_constant=pytest.fail) for line in bench._output.getvalue().splitlines()]


@pytest.mark.parametrize("section", DISTINCT, ids=lambda section: section.name)
def test_it_runs_on_doubles_and_fails_nowhere(section, bench, monkeypatch):
    without_rivals = [Entry("PyTorch eager", "fakes:Honest"), Entry("JAX, scan over all", "fakes:Honest")]
    monkeypatch.setattr(contestants, "of_rivals", lambda names: without_rivals)
    monkeypatch.setattr("xpnet.bench.checks.DRAIN_SECONDS", 60.0)  # a busy machine is no failure here
    module, _, function = section.function.partition(":")
    if module.endswith("gemms"):
        pytest.importorskip("torch")
    getattr(importlib.import_module(module), function)(bench, **section.options)
    assert bench.failures == []
    records = recorded(bench)
    assert records
    assert not [record for record in records if "error" in record]


def test_every_section_names_a_function():
    for section in SECTIONS:
        module, _, function = section.function.partition(":")
        assert callable(getattr(importlib.import_module(module), function))
        assert section.limit > 0


def test_once_the_first_step_has_failed_the_persistent_kernel_is_left_alone(bench, monkeypatch):
    bench.earlier = [{"name": FIRST_STEP, "status": "did not end within 60 s", "records": []}]
    made = []
    monkeypatch.setattr(ways, "made", lambda entry: made.append(entry.label) or pytest.fail)
    monkeypatch.setattr(epochs, "timed", lambda bench, case, entry: made.append(entry.label) or {})
    epochs.run(bench, nets=["50@100"])
    assert made
    assert not any(label.startswith(ways.PERSISTENT) for label in made)
    assert "left out: its first step did not end within 60 s" in bench.failures[0]
    assert not any(
        "persistent" in entry.label for entry in peers._entries(bench, bench.case("50@100"), False, True)
    )


def test_contestants_that_hang_or_cannot_start_cost_themselves_only(bench, monkeypatch):
    bench.plan = dataclasses.replace(DRY, player_limit=8.0)
    monkeypatch.setattr(ways, "entries", lambda *args: [Entry("xpnet graph", "fakes:Honest")])
    rivals = [
        Entry("PyTorch eager", "test_gpu_contestants:Stuck"),
        Entry("JAX, scan over all", "fakes:CannotStart"),
        Entry("PyTorch CUDA graph of 20 steps", "test_gpu_contestants:Elsewhere"),
    ]
    monkeypatch.setattr(contestants, "of_rivals", lambda names: rivals)
    monkeypatch.setattr("xpnet.bench.checks.DRAIN_SECONDS", 60.0)
    peers.run(bench, net="50@100")
    *_, comparison = recorded(bench)
    outcomes = {one["label"]: one["error"] for one in comparison["result"]["outcomes"]}
    assert outcomes == {
        "xpnet graph": "",
        "PyTorch eager": "no answer within 8 s",
        "JAX, scan over all": "ValueError: no such device",
    }
    assert len(bench.failures) == 2


def test_a_tier_that_skips_an_update_is_too_far_from_float64(bench, monkeypatch):
    honest = correctness.trained

    def one_update_less(contestant, case, data):
        losses, weights = honest(contestant, case, data)
        return Trained(losses, [weights[0], case.weights()[1], *weights[2:]])

    monkeypatch.setattr(correctness, "trained", one_update_less)
    with pytest.raises(
        ValueError, match=r"after 1 steps is too far from float64: weights 1: .*; updates 1: "
    ):
        correctness.compare(bench, ways.named(bench, ways.GRAPH), 1)


def test_errors_are_relative_to_the_float64_run():
    start, exact = [np.array([1.0, 1.0])], Trained(np.array([2.0]), [np.array([1.0, 3.0])])
    found = correctness.errors(start, Trained(np.array([2.2]), [np.array([1.0, 3.5])]), exact)
    assert found["losses"] == pytest.approx([0.1])
    assert found["weights"] == pytest.approx([0.5 / np.sqrt(10)])
    assert found["updates"] == pytest.approx([0.25])
    assert np.isnan(correctness.relative(np.ones(2), np.ones(3)))


def test_an_epoch_is_not_timed_twice_over_the_same_order(bench):
    taken = epochs.timed(bench, bench.case("50@100"), ways.named(bench, ways.GRAPH))
    assert len(taken["device_ms"]) == len(taken["host_ms"]) == len(taken["wall_ms"]) == DRY.epochs
    assert all(host <= wall for host, wall in zip(taken["host_ms"], taken["wall_ms"], strict=True))
    assert len(set(taken["mean_losses"])) == DRY.epochs + 2


@pytest.mark.parametrize("label", [ways.GRAPH, "xpnet cupy, layer by layer"])
def test_no_order_is_drawn_while_the_clock_runs_and_none_comes_twice(label, bench, monkeypatch):
    drawn, seen = [], []
    samples = bench.device.samples
    contestant = ways.made(ways.named(bench, label))
    monkeypatch.setattr(ways, "made", lambda entry: contestant)
    case = bench.case("50@100")
    draw = type(case).order
    monkeypatch.setattr(type(case), "order", lambda *args: drawn.append(args[1]) or draw(*args))

    def noted(function, *args):
        before = len(drawn)
        assert before == DRY.epochs + 2
        taken = samples(function, *args)
        assert len(drawn) == before
        return taken

    monkeypatch.setattr(bench.device, "samples", noted)
    for name in ("start", "epoch"):
        if hasattr(contestant, name):
            one = getattr(contestant, name)
            monkeypatch.setattr(contestant, name, lambda *args, one=one: seen.append(args) or one(*args))
    epochs.timed(bench, case, None)
    orders = [args[-1].tobytes() for args in seen]
    assert len(set(orders)) == DRY.epochs + 2
    if label != ways.GRAPH:
        assert [args[0] for args in seen] == drawn


def test_the_floor_comes_from_what_was_measured_before(bench):
    assert peers.floor(bench, tf32=False).gemm == float("inf")
    copy = {"what": "copy", "bytes_moved": 8e9, "device_ms": [2.0, 2.0, 9.0]}
    products = [{"what": "sgemm", "flop": 1e12, "device_ms": [20.0]}, {"what": "sgemm", "error": "no"}]
    bench.earlier = [{"name": "environment", "status": "ok", "records": [copy, *products]}]
    floor = peers.floor(bench, tf32=False)
    assert floor.bandwidth == pytest.approx(4e12)
    assert floor.gemm == pytest.approx(5e13)


def test_what_json_has_not_becomes_null():
    values = {"a": float("nan"), "b": (np.float32(1.5), [float("inf")]), 3: np.arange(2), "c": True}
    assert plain(values) == {"a": None, "b": [1.5, [None]], "3": [0, 1], "c": True}


def test_the_steps_in_a_graph_are_changed_where_they_are_said_and_put_back():
    package = pytest.importorskip("xpnet_kernels.mlp_epoch.graph")
    names = [name for name in sys.modules if name.startswith(package.__name__)]

    def said():
        return {getattr(sys.modules[name], graph_nodes.TOGETHER, None) for name in names} - {None}

    with graph_nodes.together(7):
        names = [name for name in sys.modules if name.startswith(package.__name__)]
        assert said() == {7}
    assert len(said()) == 1
    assert said() != {7}


def test_made_up_data_are_mnist_in_shape_and_always_the_same():
    made, again = (data.made_up(samples=300, tests=20) for _ in range(2))
    assert made.x.shape == (300, 784)
    assert made.x.dtype == np.float32
    assert made.x_test.shape == (20, 784)
    assert set(made.t) == set(range(10))
    assert 0.1 < np.mean(made.x > 0) < 0.4
    np.testing.assert_array_equal(made.x, again.x)


def test_a_missing_mnist_is_made_up_not_downloaded(monkeypatch):
    entry = SimpleNamespace(name="mnist", present=False)
    monkeypatch.setattr("xpnet.datasets.catalog", lambda: [entry])
    monkeypatch.setattr("xpnet.datasets.mnist", pytest.fail)
    monkeypatch.setattr(data, "made_up", lambda: "made up")
    assert data.load() == (data.MADE_UP, "made up")


def test_the_counts_and_failures_of_a_report(tmp_path):
    (tmp_path / "r.xml").write_text(
        '<testsuites><testsuite tests="5" failures="1" errors="1" skipped="1" time="2.5">'
        '<testcase classname="a" name="good"/><testcase classname="a" name="bad"><failure message="m">'
        "one\ntwo</failure></testcase><testcase classname='b' name='worse'><error message='only this'/>"
        "</testcase></testsuite></testsuites>"
    )
    assert suite.read(tmp_path / "r.xml") == {
        "tests": 5,
        "failures": 1,
        "errors": 1,
        "skipped": 1,
        "seconds": 2.5,
        "failed": [{"test": "a::bad", "tail": "one\ntwo"}, {"test": "b::worse", "tail": "only this"}],
    }
    assert suite.read(tmp_path / "none.xml") == {}


def test_without_pytest_that_is_said(bench, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="pytest is not installed here"):
        suite.run(bench)


def test_the_barriers_kernels_compile_for_hopper():
    """By NVRTC, which needs no GPU."""
    core = pytest.importorskip("cuda.core")
    options = core.ProgramOptions(arch="sm_90")
    cubin = core.Program(barrier.CODE, code_type="c++", options=options).compile("cubin")
    assert cubin.code
