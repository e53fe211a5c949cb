"""The threads that make an epoch: which are begun, and what becomes of one that cannot be."""

import os
import threading

import numpy as np
import pytest

import xpnet
from xpnet.nets import MultiLayerNet
from xpnet.optimizers import SGD
from xpnet.training._compiled import CompiledRun
from xpnet.training._progress import Progress
from xpnet_kernels import _threads
from xpnet_kernels.mlp_epoch import cpu, team


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch):
    monkeypatch.setattr(team, "_trials", {})
    monkeypatch.setattr(_threads, "available", lambda: 4)
    monkeypatch.delenv("XPNET_NUM_THREADS", raising=False)
    yield
    _threads.choose(None)


@pytest.mark.parametrize(("samples", "apart"), [(200, 0), (200_000, 1)])
def test_an_epoch_that_is_soon_over_needs_no_thread_of_its_own(samples, apart, monkeypatch):
    xpnet.use("numba")
    xpnet.set_num_threads(1)
    x, t, begun = np.zeros((samples, 20), np.float32), np.zeros(samples, np.int64), []

    def noted(*args):
        begun.append(threading.current_thread() is not threading.main_thread())
        return work(*args)

    work = cpu.IN_BATCHES.work
    monkeypatch.setattr(cpu, "IN_BATCHES", cpu.IN_BATCHES._replace(work=noted))
    history = MultiLayerNet(20, (9,), 3).fit(x, t, batch_size=20, engine="compiled", verbose=False)
    assert len(history.loss) == samples // 20
    assert begun == [False, apart]


def test_a_thread_that_cannot_be_started_is_an_error_and_nobody_waits_for_it(monkeypatch):
    xpnet.use("numba")
    xpnet.set_num_threads(3)
    x, t = np.zeros((2000, 20), np.float32), np.zeros(2000, np.int64)
    net, start, before = MultiLayerNet(20, (9,), 3, seed=0), threading.Thread.start, threading.active_count()

    def limited(thread):
        if threading.active_count() == before + 2:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    weights = {name: array.copy() for name, array in net.params.items()}
    with pytest.raises(RuntimeError, match="can't start new thread"):
        net.fit(x, t, batch_size=20, engine="compiled", verbose=False)
    assert threading.active_count() == before
    for name, array in net.params.items():
        np.testing.assert_array_equal(array, weights[name])


def test_a_number_of_threads_that_rises_within_an_epoch_holds_for_the_next(monkeypatch):
    xpnet.use("numba")
    x, t, begun = np.zeros((2000, 20), np.float32), np.zeros(2000, np.int64), []
    net, allowed, work = MultiLayerNet(20, (9,), 3), iter([2] + [4] * 100), cpu.IN_BATCHES.work
    net.fit(x[:40], t[:40], batch_size=20, engine="compiled", verbose=False)

    def noted(me, workers, *args):
        begun.append(workers)
        return work(me, workers, *args)

    monkeypatch.setattr(cpu, "IN_BATCHES", cpu.IN_BATCHES._replace(work=noted))
    run = CompiledRun(net, x, t, 20, SGD())
    monkeypatch.setattr(_threads, "allowed", lambda enough_work: next(allowed))
    monkeypatch.setattr(_threads, "chosen", lambda: 4)
    run.epoch(lambda: False, Progress(0, 0, enabled=False))
    assert set(begun) == {2}


def test_a_sandbox_that_forbids_to_choose_a_processor(monkeypatch):
    def forbid(*_):
        raise PermissionError

    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("there is nothing to forbid")
    xpnet.use("numba")
    xpnet.set_num_threads(2)
    monkeypatch.setattr(os, "sched_setaffinity", forbid)
    x, t = np.zeros((2000, 20), np.float32), np.zeros(2000, np.int64)
    history = MultiLayerNet(20, (9,), 3).fit(x, t, batch_size=20, engine="compiled", verbose=False)
    assert len(history.loss) == 100
