"""After a warm-up, training compiles nothing: in new processes, over everything that `fit` can be given."""

import os
import subprocess
import sys

import pytest
from engines import WARNINGS_ARE_ERRORS

TRAIN = """
import numpy as np, xpnet
from xpnet import _warmup
xpnet.use("numba")
rng = np.random.default_rng(0)
pixels, t = rng.integers(0, 256, (250, 784)).astype(np.uint8), rng.integers(0, 10, 250)
drawn = np.where(rng.random(pixels.shape) < 0.8, 0, pixels).astype(np.uint8)
for dtype in ("float32", "float64"):
    for x in (pixels, (pixels / 255).astype("float32"), pixels / 255, drawn, drawn / 255):
        for engine in ("compiled", "layers"):
            net = xpnet.nets.TwoLayerNet(784, 50, 10, seed=0, dtype=dtype)
            net.fit(x, t, optimizer="adam", engine=engine, validation=(x, t), verbose=False)
            net.predict(x[:1])
            for hidden in ([50], [50, 400, 300]):
                net = xpnet.nets.MultiLayerNet(784, hidden, 10, seed=0, dtype=dtype)
                slow = xpnet.optimizers.SGD(0.001)
                net.fit(x[:40], t[:40], batch_size=1, optimizer=slow, engine=engine, verbose=False)
compiled, loaded = _warmup._counts()
print(compiled, loaded > 0)
"""


def run(*arguments):
    """Run Python in a fresh process; return what it prints."""
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, *WARNINGS_ARE_ERRORS, *arguments],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def warm():
    """Warm up; what that prints."""
    return run("-m", "xpnet", "warmup")


def test_it_goes_through_every_dtype_and_form_of_data(warm):
    parts = {line[:40].strip() for line in warm.splitlines()}
    assert "layer by layer, float64" in parts
    assert {f"compiled epochs, {a}, {b} data" for a in ("float32", "float64") for b in (a, "uint8")} <= parts


@pytest.mark.usefixtures("warm")
def test_a_second_one_finds_everything_in_place():
    lines = run("-m", "xpnet", "warmup").splitlines()
    assert all(" 0 compiled, " in line for line in lines if " in place " in line and "Nothing" not in line)
    assert any(line.startswith("Nothing to compile: all machine code was in place") for line in lines)


@pytest.mark.usefixtures("warm")
def test_training_compiles_nothing():
    assert run("-c", TRAIN) == "0 True\n"
