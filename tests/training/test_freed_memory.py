"""Layer by layer a step takes again what the step before has freed; asked of the system in a new process."""

import os
import platform
import subprocess
import sys

import pytest
from engines import WARNINGS_ARE_ERRORS

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this is not glibc")

FAULTS_A_STEP = """
import resource, sys
import numpy as np
import xpnet
from xpnet.training import _layer_by_layer

STEPS, EPOCHS = 50, 4
if sys.argv[1] == "without":
    _layer_by_layer.keep_freed_memory = lambda: None
xpnet.use("numba")
x, t = np.zeros((100 * STEPS, 784), np.float32), np.zeros(100 * STEPS, int)
faults = []
net = xpnet.nets.MultiLayerNet(784, [50], 10, seed=0)
net.fit(x, t, epochs=EPOCHS, batch_size=100, engine="layers", verbose=False,
        on_epoch=lambda epoch: faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt))
print((faults[-1] - faults[1]) / ((EPOCHS - 2) * STEPS))
"""

FEW = 10
"""Of the 40 pages and more that a step writes."""


def faults_a_step(how):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, *WARNINGS_ARE_ERRORS, "-c", FAULTS_A_STEP, how],
        env=kept | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def test_a_step_asks_the_system_for_next_to_no_memory():
    faults_a_step("with")  # compiles, where that has not been done: it frees a good deal
    if faults_a_step("without") < FEW:
        pytest.skip("this process keeps what it frees anyway")
    assert faults_a_step("with") < FEW
