"""Layer by layer a step takes again what the step before has freed; asked of the system in a new process."""

import os
import platform
import subprocess
import sys

import pytest
from engines import WARNINGS_ARE_ERRORS

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries have other rules"
)

FAULTS_A_STEP = """
import resource
import numpy as np
import xpnet

STEPS, EPOCHS = 50, 4
xpnet.use("numba")
x, t = np.zeros((100 * STEPS, 784), np.float32), np.zeros(100 * STEPS, int)
faults = []
net = xpnet.nets.MultiLayerNet(784, [50], 10, seed=0)
net.fit(x, t, epochs=EPOCHS, batch_size=100, engine="layers", verbose=False,
        on_epoch=lambda epoch: faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt))
print((faults[-1] - faults[1]) / ((EPOCHS - 2) * STEPS))
"""


def test_a_step_asks_the_system_for_next_to_no_memory():
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, *WARNINGS_ARE_ERRORS, "-c", FAULTS_A_STEP],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 10
