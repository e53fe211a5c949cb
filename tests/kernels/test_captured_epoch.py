"""The captured epoch call by call: what is recorded, in which order and stream, and what is kept."""

import gc
import itertools
import weakref

import numpy as np
import pytest
from engines import simulated

if not simulated():
    pytest.skip("there is a GPU: the doubles stand for one", allow_module_level=True)

import graph_double

from xpnet_kernels import _cublas, _graphs, mlp_epoch
from xpnet_kernels.mlp_epoch.graph import MOST_KEPT, step

DRAW = np.random.default_rng(0)
SAMPLES, BATCH = 11, 4
FORWARD_AND_UPDATE = ["forward_kernel", "head_kernel", "update_kernel"]


def epoch(sizes=(5, 3, 2), update="sgd", workspace=None, options=None, data=None, **more):
    """Run one epoch by graph; return the losses and new arrays."""
    (graph,) = [i.function for i in mlp_epoch.implementations if i.variant == "graph"]
    draw = np.random.default_rng(1)
    arrays = []
    for inputs, outputs in itertools.pairwise(sizes):
        arrays += [draw.normal(size=(inputs, outputs)), draw.normal(size=outputs)]
    x, t = data or (draw.normal(size=(SAMPLES, sizes[0])), draw.integers(0, sizes[-1], SAMPLES))
    steps = -(-SAMPLES // BATCH)
    return graph(
        x,
        t,
        np.arange(SAMPLES),
        *arrays,
        activations=("relu",) * (len(sizes) - 2),
        batch_size=BATCH,
        update=update,
        options=[{"lr": 0.1}] * steps if options is None else options,
        workspace=workspace,
        **more,
    )


def recorded(cuda):
    """Return what the graph of one step launches."""
    return [what for what, _ in cuda.graphs[0].launches]


def test_a_step_is_recorded_after_every_kernel_has_run_once(cuda):
    epoch()
    assert cuda.calls == [
        *FORWARD_AND_UPDATE,  # a step of no samples
        "begin capture",
        "end capture of 3",
        "begin capture",
        "end capture of 6",
        "launch of 6",
        "record event",
        "launch of 3",
        "record event",
    ]


@pytest.mark.parametrize("sizes", [(5, 2), (5, 3, 2), (5, 4, 3, 2), (5, 4, 4, 3, 2)])
def test_a_small_net_takes_at_most_two_kernels_a_layer_less_one(sizes, cuda):
    epoch(sizes)
    layers = len(sizes) - 1
    assert len(recorded(cuda)) == max(2 * layers - 1, 3)


def test_a_wide_layer_takes_its_products_and_its_biases_gradient_from_cublas(cuda, monkeypatch):
    monkeypatch.setattr(step, "WIDE", BATCH * 5 * 4)
    epoch((5, 4, 3, 2))
    assert recorded(cuda) == [
        "gather_kernel",
        "dgemm 4x4x5",
        "activation_kernel",
        "forward_kernel",
        "head_kernel",
        "backward_kernel",
        "dgemm 4x5x4",
        "dgemv 4x4",
        "update_given_kernel",
        "update_kernel",
    ]
    monkeypatch.setattr(step, "WIDE", 0)
    cuda.graphs.clear()
    epoch((5, 3, 2))
    assert recorded(cuda) == [
        "gather_kernel",
        "dgemm 3x4x5",
        "activation_kernel",
        "dgemm 2x4x3",
        "loss_kernel",
        "dgemm 3x4x2",
        "derivative_kernel",
        "dgemm 3x5x4",
        "dgemv 3x4",
        "update_given_kernel",
        "dgemm 2x3x4",
        "dgemv 2x4",
        "update_given_kernel",
        "update_kernel",
    ]


def test_weight_decay_costs_one_kernel(cuda, monkeypatch):
    epoch(weight_decay=0.1)
    assert recorded(cuda) == [*FORWARD_AND_UPDATE, "penalty_kernel"]
    monkeypatch.setattr(step, "WIDE", 0)
    cuda.graphs.clear()
    epoch(weight_decay=0.1)
    assert recorded(cuda)[-3:] == ["update_given_kernel", "update_kernel", "penalty_kernel"]


def test_a_captured_epoch_is_gone_when_nobody_has_it(cuda, monkeypatch):
    """Not only when Python next looks for cycles: a full device does not make it look."""
    monkeypatch.setattr(step, "WIDE", 0)
    workspace = {}
    epoch(workspace=workspace)
    kept = weakref.ref(workspace["graphs"][0]._step)
    cuda.graphs.clear()
    gc.collect()
    gc.disable()
    try:
        workspace.clear()
        assert kept() is None
        assert cuda.cublas.handles == 0
    finally:
        gc.enable()


def test_the_next_epoch_of_the_same_net_records_nothing(cuda):
    data = DRAW.normal(size=(SAMPLES, 5)), DRAW.integers(0, 2, SAMPLES)
    workspace = {}
    first = epoch(workspace=workspace, data=data)
    cuda.calls.clear()
    second = epoch(workspace=workspace, data=data)
    assert cuda.calls == ["launch of 6", "record event", "launch of 3", "record event"]
    kept = workspace["graphs"][0]._buffers.losses.steps
    assert not np.shares_memory(first[0], kept), "the next epoch writes over the losses of this one"
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("other", ["data", "weight decay", "update", "sizes", "tf32"])
def test_another_net_or_data_set_is_recorded_anew(other, cuda):
    x, t = DRAW.normal(size=(SAMPLES, 5)), DRAW.integers(0, 2, SAMPLES)
    usual = {"workspace": {}, "data": (x, t), "sizes": (5, 3, 2), "options": []}
    epoch(**usual)
    (before,) = usual["workspace"]["graphs"]
    epoch(**usual)
    assert usual["workspace"]["graphs"] == [before]
    changed = {
        "data": {"data": (x.copy(), t)},
        "weight decay": {"weight_decay": 0.1},
        "update": {"update": "adagrad"},
        "sizes": {"sizes": (5, 4, 2)},
        "tf32": {},
    }[other]
    _cublas.choose_tf32(True if other == "tf32" else None)
    try:
        epoch(**usual | changed)
    finally:
        _cublas.choose_tf32(None)
    assert usual["workspace"]["graphs"][1:]
    epoch(**usual)
    assert usual["workspace"]["graphs"][0] is before
    for weight_decay in (0.2, 0.3):
        epoch(**usual, weight_decay=weight_decay)
    assert len(usual["workspace"]["graphs"]) == MOST_KEPT
    assert before not in usual["workspace"]["graphs"]


def test_no_steps_record_and_change_nothing(cuda):
    losses, *arrays = epoch(options=[])
    assert losses.shape == (0,)
    assert [call for call in cuda.calls if "launch" in call] == []
    draw = np.random.default_rng(1)
    np.testing.assert_array_equal(arrays[0], draw.normal(size=(5, 3)))


def test_stopping_ends_after_a_graph(cuda):
    losses, *_ = epoch(should_stop=lambda: True)
    assert losses.shape == (2,)
    whole, *_ = epoch()
    np.testing.assert_array_equal(losses, whole[:2])


def test_the_host_runs_a_bounded_number_of_graphs_ahead(cuda):
    queue = _graphs.Queue(np.empty(0))
    graph = graph_double.GraphDouble(cuda, [])
    for _ in range(_graphs.MOST_UNDER_WAY + 2):
        queue.start(graph)
    expected = ["launch of 0", "record event"] * _graphs.MOST_UNDER_WAY
    assert cuda.calls == expected + ["wait for event", "launch of 0", "record event"] * 2


def test_a_recording_that_fails_ends_all_the_same(cuda):
    def fails():
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        _graphs.record(fails, 1, np.empty(0))
    assert cuda.recording is None


@pytest.mark.parametrize("planted", ["memory", "stream", "scratch"])
def test_the_doubles_catch_a_broken_rule(planted, cuda, monkeypatch):
    if planted == "memory":
        with pytest.raises(AssertionError, match="zeros takes memory during a capture"):
            _graphs.record(lambda: np.zeros(3), 1, np.empty(0))
        return
    monkeypatch.setattr(step, "WIDE", 0)
    if planted == "stream":
        monkeypatch.setattr(step._launch, "current_stream", lambda like: 0)
        message = "the product runs in another stream"
    else:
        monkeypatch.setattr(
            cuda.cublas, "cublasSetWorkspace_v2", lambda handle, address, size: 0, raising=False
        )
        message = "the product has no scratch memory of its own"
    with pytest.raises(AssertionError, match=message):
        epoch()


@pytest.mark.parametrize("tf32", [False, True])
def test_tf32_is_taken_only_where_it_is_allowed(tf32, cuda, monkeypatch):
    monkeypatch.setattr(step, "WIDE", 0)
    _cublas.choose_tf32(tf32)
    try:
        epoch()
    finally:
        _cublas.choose_tf32(None)
    assert cuda.cublas.tf32 is tf32
