"""What a compiled epoch on the CPU keeps for the next one, and what it leaves alone."""

import numpy as np
import pytest

import xpnet
from xpnet.layers import Affine
from xpnet.nets import MultiLayerNet
from xpnet_kernels import mlp_epoch
from xpnet_kernels.mlp_epoch import cpu

RNG = np.random.default_rng(0)
X = RNG.random((60, 20))
T = np.arange(60) % 3


def epoch(arrays, batch_size=20, workspace=None):
    steps = -(-60 // batch_size)
    options = {
        "activations": ("relu",),
        "batch_size": batch_size,
        "options": [{"lr": 0.1, "momentum": 0.9}] * steps,
    }
    order = np.arange(60)
    return cpu.train_on_cpu(X, T, order, *arrays, update="momentum", workspace=workspace, **options)


@pytest.fixture
def arrays():
    shapes = [(20, 9), (9,), (9, 3), (3,)]
    return [RNG.normal(size=shape) for shape in shapes] + [np.zeros(shape) for shape in shapes]


@pytest.fixture
def made(monkeypatch):
    """How often buffers were made."""
    seen, make = [], cpu.IN_BATCHES.make

    def noted(*args):
        seen.append(args)
        return make(*args)

    monkeypatch.setattr(cpu, "IN_BATCHES", cpu.IN_BATCHES._replace(make=noted))
    return seen


def test_epochs_of_one_net_share_their_buffers(arrays, made):
    workspace, twice = {}, arrays
    for _ in range(2):
        _, *twice = epoch(twice, workspace=workspace)
    assert len(made) == 1
    _, *apart = epoch(epoch(arrays)[1:])
    for one, other in zip(twice, apart, strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_batch_size_has_buffers_of_its_own(arrays, made):
    workspace = {}
    for batch_size in (20, 7, 20):
        epoch(arrays, batch_size, workspace)
    assert len(made) == 2


def test_what_a_failed_epoch_leaves_is_not_used_again(arrays, made, monkeypatch):
    workspace = {}
    epoch(arrays, workspace=workspace)
    with monkeypatch.context() as patch:
        patch.setattr(cpu.Steps, "make_all", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            epoch(arrays, workspace=workspace)
    assert sorted(key.split()[0] for key in workspace) == ["records", "way"]
    epoch(arrays, workspace=workspace)
    assert len(made) == 2


def test_fit_wakes_no_thread_of_blas_before_it_compiles(monkeypatch):
    """They stay awake for some hundredths of a second, in the way of the epoch's own."""
    rows, flatten = [], Affine.flatten

    def noted(self, x):
        rows.append(len(x))
        return flatten(self, x)

    monkeypatch.setattr(Affine, "flatten", noted)
    xpnet.use("numba")
    MultiLayerNet(20, (9,), 3).fit(X, T, engine="compiled", verbose=False)
    assert rows
    assert max(rows) == 0


def test_preparing_leaves_the_parameters_as_they_are(arrays):
    before = [array.copy() for array in arrays]
    options = {"activations": ("relu",), "batch_size": 20, "options": []}
    _, *after = mlp_epoch(X, T, np.arange(60), *arrays, update="momentum", out=arrays, **options)
    for one, other in zip(after, before, strict=True):
        np.testing.assert_array_equal(one, other)
