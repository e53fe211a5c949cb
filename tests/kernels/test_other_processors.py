"""The CPU kernels compiled for processors with vectors of 16 bytes, in a process of their own."""

import os
import subprocess
import sys

import pytest

from xpnet_kernels._simd import vector_bytes

SCRIPT = """
import numpy as np
from xpnet_kernels import _jit, _simd, matmul, mlp_epoch, mlp_forward
from xpnet_kernels.mlp_epoch import cpu

cpu.DELAYED = cpu.DELAYED._replace(together=12)
cpu.MOSTLY_FIRST = cpu.WORTH_DELAYING = cpu.AT_ONCE = 0  # records wherever there are zeros
_jit.host_features = dict
assert _simd.vector_bytes() == 16


def cases(operation):
    for sample in operation.sample_inputs(np.random.default_rng(0), "float64"):
        yield sample.arrays, sample.options
        if sample.options.get("update") == "sgd":
            steps = [{"lr": 0.05}] * len(sample.arrays[2])
            yield sample.arrays, sample.options | {"batch_size": 1, "options": steps, "weight_decay": 0.0}


for operation, variant in ((mlp_epoch, "kernel"), (mlp_forward, "kernel"), (matmul, "tiled")):
    function = {i.variant: i.function for i in operation.implementations if i.engine == "numba"}[variant]
    for arrays, options in cases(operation):
        expected = operation.reference(np, *arrays, **options)
        actual = function(*arrays, **options)
        pairs = zip(actual, expected) if isinstance(expected, tuple) else [(actual, expected)]
        for got, wanted in pairs:
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-13)
"""


def test_processors_with_the_narrowest_vectors(tmp_path):
    """For AVX2 see `test_cpu_kernels_stay_narrow.py`; for this processor all other tests."""
    if vector_bytes() == 16:
        pytest.skip("this processor has no wider vectors: all other tests run on these")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, env=environment)
