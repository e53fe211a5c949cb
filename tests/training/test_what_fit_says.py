import os
import signal
import threading
import time

import numpy as np
import pytest

import xpnet
from xpnet.nets import TwoLayerNet
from xpnet.optimizers import SGD
from xpnet.training import _announce
from xpnet.training.history import Epoch, History
from xpnet_kernels import _threads

X, T = np.random.default_rng(0).normal(size=(60, 6)), np.arange(60) % 3


def test_one_line_says_backend_device_dtype_and_path(capsys):
    xpnet.use("numpy")
    TwoLayerNet(6, 4, 3).fit(X, T, epochs=3, engine="layers")
    first, *others = capsys.readouterr().err.splitlines()
    assert first.startswith("xpnet: numpy on CPU, ")
    assert first.endswith(", float32, layer by layer")
    assert all(line.startswith("xpnet: epoch ") for line in others)


def test_quiet(capsys):
    TwoLayerNet(6, 4, 3).fit(X, T, verbose=False)
    assert capsys.readouterr() == ("", "")


def lines_of_fit(net, x, capsys):
    net.fit(x, T, epochs=2, batch_size=20)
    _, *lines = capsys.readouterr().err.splitlines()
    return [line for line in lines if "compiling" not in line and not line.startswith("xpnet: epoch ")]


@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_inputs_that_are_not_scaled_are_said(dtype, backend, capsys):
    pixels = np.tile(np.arange(0, 256, 51), (60, 1)).astype(dtype)  # 0, 51, ..., 255
    (line,) = lines_of_fit(TwoLayerNet(6, 4, 3), pixels, capsys)
    assert "the inputs reach 255 in the first samples" in line
    assert "x / 255" in line
    assert lines_of_fit(TwoLayerNet(6, 4, 3), pixels / 255, capsys) == []
    assert lines_of_fit(TwoLayerNet(6, 4, 3), pixels.astype("uint8"), capsys) == [
        "xpnet: x is uint8, and is scaled from 0..255 to 0..1 (net.input_range)"
    ]
    negative = np.where(np.arange(60)[:, None] < 20, -pixels, 0)
    assert "the inputs reach 255" in lines_of_fit(TwoLayerNet(6, 4, 3), negative, capsys)[0]


def test_softmax_before_softmax_with_loss_is_said(capsys):
    affine = xpnet.layers.Affine(np.eye(6, 3), np.zeros(3))
    (line,) = lines_of_fit(xpnet.nets.Sequential([affine, xpnet.layers.Softmax()]), X, capsys)
    assert "the last layer is Softmax, and SoftmaxWithLoss applies softmax once more" in line
    assert lines_of_fit(xpnet.nets.Sequential([affine]), X, capsys) == []


def test_methods_of_ones_own_that_fit_does_not_call_are_said(capsys):
    class Clipped(TwoLayerNet):
        def gradient(self, x, t, training=True):
            return {name: np.clip(array, -1, 1) for name, array in super().gradient(x, t, training).items()}

    (line,) = lines_of_fit(Clipped(6, 4, 3), X, capsys)
    assert "the net's own gradient is not called: fit goes by forward, loss_of and backward" in line


def test_more_threads_than_processors_are_said(capsys, monkeypatch):
    monkeypatch.setattr(_threads, "available", lambda: 3)
    for threads, expected in ((4, ["4 threads are set, processors to run on: 3; "]), (3, [])):
        monkeypatch.setattr(_threads, "_chosen", threads)
        lines = lines_of_fit(TwoLayerNet(6, 4, 3), X, capsys)
        assert [line for line in lines if any(words in line for words in expected)] == lines
        assert len(lines) == len(expected)


def test_a_slow_first_step_says_that_kernels_compile(capsys, monkeypatch):
    monkeypatch.setattr(_announce, "COMPILING_AFTER", 0.01)
    with _announce.says_when_compiling(True):
        time.sleep(0.2)
    assert "compiling kernels (once" in capsys.readouterr().err
    with _announce.says_when_compiling(False):
        time.sleep(0.05)
    assert capsys.readouterr().err == ""


def test_an_epoch_in_words():
    epoch = Epoch(2, 0.25, 0.91, None, 0.5)
    assert str(epoch) == "epoch 2, loss 0.2500, train accuracy 0.9100, 0.500 s"


class CtrlC(SGD):
    """Presses Ctrl-C in its third step."""

    def update(self, params, grads):
        super().update(params, grads)
        if self.steps == 3:
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_ends_the_run_after_the_step_and_keeps_what_was_learned(capsys):
    stopped, three_steps = (TwoLayerNet(6, 4, 3, weight_init_std=0.5, seed=0) for _ in range(2))
    handler = signal.getsignal(signal.SIGINT)
    history = stopped.fit(X, T, epochs=5, batch_size=10, optimizer=CtrlC(lr=0.1), seed=0, on_interrupt="stop")
    assert history.interrupted
    assert len(history.loss) == 3
    assert history.epochs == []
    assert signal.getsignal(signal.SIGINT) is handler
    assert "interrupted in epoch 1; the net keeps what it has learned" in capsys.readouterr().err
    order = np.random.default_rng(0).permutation(60)
    for start in (0, 10, 20):
        batch = order[start : start + 10]
        SGD(lr=0.1).update(three_steps.params, three_steps.gradient(X[batch], T[batch]))
    for name, array in three_steps.params.items():
        np.testing.assert_array_equal(stopped.params[name], array)


def test_ctrl_c_within_a_fit_of_on_epoch_ends_both():
    inner, stop = [], {"verbose": False, "on_interrupt": "stop"}

    def train_another(epoch):
        net = TwoLayerNet(6, 4, 3)
        inner.append(net.fit(X, T, epochs=5, batch_size=10, optimizer=CtrlC(lr=0.1), **stop))

    outer = TwoLayerNet(6, 4, 3).fit(X, T, epochs=5, on_epoch=train_another, **stop)
    assert [history.interrupted for history in inner] == [True]
    assert outer.interrupted
    assert len(outer.epochs) == 1


@pytest.mark.parametrize("engine", ["layers", "auto"])
def test_ctrl_c_ends_a_loop_around_fit_and_leaves_the_net_intact(engine, backend):
    nets = []
    with pytest.raises(KeyboardInterrupt) as interruption:
        for _ in range(3):
            nets.append(TwoLayerNet(6, 4, 3, seed=0))
            nets[-1].fit(X, T, epochs=5, on_epoch=press_once, engine=engine, seed=0, verbose=False)
    history = interruption.value.history
    assert (len(nets), len(history.epochs), history.interrupted) == (1, 1, True)
    alone = TwoLayerNet(6, 4, 3, seed=0)
    alone.fit(X, T, engine=engine, seed=0, verbose=False)
    for name, array in alone.params.items():
        np.testing.assert_array_equal(xpnet.to_numpy(nets[0].params[name]), xpnet.to_numpy(array))


def press_once(epoch):
    os.kill(os.getpid(), signal.SIGINT)


def test_what_ctrl_c_does_is_raise_or_stop():
    with pytest.raises(ValueError, match="on_interrupt is 'ignore'; it must be 'raise' or 'stop'"):
        TwoLayerNet(6, 4, 3).fit(X, T, on_interrupt="ignore", verbose=False)


def test_a_second_ctrl_c_stops_at_once():
    class Impatient(SGD):
        def update(self, params, grads):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        TwoLayerNet(6, 4, 3).fit(X, T, optimizer=Impatient(), verbose=False)


def test_training_in_another_thread_works():
    histories = []
    thread = threading.Thread(
        target=lambda: histories.append(TwoLayerNet(6, 4, 3).fit(X, T, epochs=2, verbose=False))
    )
    thread.start()
    thread.join()
    assert len(histories[0].epochs) == 2


def test_a_history_in_a_line():
    history = TwoLayerNet(6, 4, 3).fit(X, T, epochs=2, batch_size=1, validation=(X, T), verbose=False)
    assert repr(history) == f"History(120 steps; {history.epochs[-1]})"
    assert "epoch 2, loss " in repr(history)
    assert repr(History([0.5], interrupted=True)) == "History(1 steps; interrupted)"
