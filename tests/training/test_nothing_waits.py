"""While `fit` takes its steps nothing waits for the device: no value is read before the epoch ends."""

import cupy_double
import numpy as np
import pytest
from cupy_double import DoubleBackend
from device_double import machine

import xpnet
from xpnet.layers import Affine, Dropout, IdentityWithLoss, SigmoidWithLoss, Tanh
from xpnet.nets import MultiLayerNet, Sequential
from xpnet.optimizers import by_name, names
from xpnet.training._layer_by_layer import LayerRun
from xpnet.training._progress import Progress

RNG = np.random.default_rng(0)
X = RNG.normal(size=(45, 6))
T = X[:, :3].argmax(axis=1)


@pytest.fixture(autouse=True)
def _on_the_double(monkeypatch):
    cupy_double.install(monkeypatch)
    xpnet.use("numpy")


def net_of(loss):
    W, V = RNG.normal(size=(6, 8)), RNG.normal(size=(8, 3))
    return Sequential([Affine(W, np.zeros(8)), Tanh(), Dropout(0.2), Affine(V, np.zeros(3))], loss=loss)


NETS = {
    "softmax": (lambda: MultiLayerNet(6, [8], 3, weight_decay_lambda=0.01, seed=1), T),
    "one-hot": (lambda: MultiLayerNet(6, [8], 3, activation="sigmoid", seed=1), np.eye(3)[T]),
    "identity": (lambda: net_of(IdentityWithLoss()), X[:, :3]),
    "sigmoid": (lambda: net_of(SigmoidWithLoss()), np.eye(3)[T]),
}


@pytest.mark.parametrize("optimizer", names())
@pytest.mark.parametrize("case", NETS)
def test_an_epoch_reads_its_losses_once_at_its_end(case, optimizer):
    make, t = NETS[case]
    run, seen = LayerRun(make().to(DoubleBackend()), X, t, 9, by_name(optimizer)), []

    def should_stop():
        seen.append(machine.reads)
        return False

    for number in range(2):
        seen.clear()
        before = machine.reads
        losses = run.epoch(should_stop, Progress(0, 0, enabled=False))
        first = (
            1 if number == 0 and case != "identity" else 0
        )  # the labels are checked once, in the first step
        assert seen == [before + first] * 5
        assert machine.reads == before + first + 1
        assert len(losses) == 5
    assert machine.synchronized == 0
    assert machine.faults == []


@pytest.mark.parametrize(
    "read", [float, bool, int, lambda a: a.item(), lambda a: a.get(), lambda a: a.tolist()]
)
def test_every_way_to_read_a_value_is_counted(read):
    array = cupy_double.cupy.ones(())
    read(array)
    assert machine.reads == 1
    with pytest.raises(TypeError, match="Implicit conversion"):
        np.asarray(array)
