"""Compiled epochs and the process: forked children, and Ctrl-C in the midst of a long epoch."""

import os
import subprocess
import sys

import pytest

PROLOGUE = """
import multiprocessing, os, signal, threading, time
import numpy as np, xpnet
xpnet.use("numba")
rng = np.random.default_rng(0)
x, t = rng.integers(0, 256, (300, 100)).astype(np.uint8), rng.integers(0, 5, 300)
def train(x=x, t=t, seed=2, hidden=70):
    net = xpnet.nets.TwoLayerNet(100, hidden, 5, seed=1)
    history = net.fit(x, t, batch_size=10, seed=seed, engine="compiled", verbose=False, on_interrupt="stop")
    return history, b"".join(array.tobytes() for array in net.params.values())
"""


def run(code):
    """Run Python code in a fresh process; return the words it prints."""
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        # Python 3.12 warns of any fork of a process that has had threads.
        [
            sys.executable,
            "-W",
            "error",
            "-W",
            "ignore:This process:DeprecationWarning",
            "-c",
            PROLOGUE + code,
        ],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_forked_child_trains_as_its_parent_did(threads):
    code = f"""
xpnet.set_num_threads({threads})
np.ones((500, 500)) @ np.ones((500, 500))  # so that BLAS has its threads too
def child(connection):
    np.ones((500, 500)) @ np.ones((500, 500))
    connection.send(train()[1])
before = train()[1]
ours, theirs = multiprocessing.Pipe()
process = multiprocessing.get_context("fork").Process(target=child, args=(theirs,))
process.start()
theirs.close()  # so that a child that dies is noticed
print(ours.poll(120) and ours.recv() == before, train()[1] == before)
process.join()
print(process.exitcode)
"""
    assert run(code) == ["True", "True", "0"]


LONG_EPOCH = """
x, t = rng.integers(0, 256, (samples, 100)).astype(np.uint8), rng.integers(0, 5, samples)
def press():
    while signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        time.sleep(0.01)
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGINT)
    pressed.append(time.perf_counter())
train(x[:10], t[:10], hidden=1000)  # compiles
pressed = []
threading.Thread(target=press).start()
history, weights = train(x, t, hidden=1000)
after = time.perf_counter() - pressed[0]
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to a process on Windows")
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_in_a_long_epoch_keeps_the_last_complete_step(threads):
    """The steps made are made again in an epoch of just these: its samples lie as its shuffle wants them."""
    code = f"""
samples = 1_000_000
xpnet.set_num_threads({threads})
{LONG_EPOCH}
steps = len(history.loss)
visited = 10 * steps
with xpnet.random.seeded(2):
    order = xpnet.random.generator().permutation(samples)[:visited]
with xpnet.random.seeded(3):
    place = np.argsort(xpnet.random.generator().permutation(visited))
again, same = train(x[order][place], t[order][place], seed=3, hidden=1000)
print(history.interrupted, 0 < steps < samples / 10, history.epochs, np.isfinite(history.loss).all())
print(again.loss == history.loss, same == weights)
print(after, steps)
"""
    interrupted, within, epochs, finite, losses, weights, *_ = run(code)
    assert (interrupted, within, epochs, finite) == ("True", "True", "[]", "True")
    assert (losses, weights) == ("True", "True")
