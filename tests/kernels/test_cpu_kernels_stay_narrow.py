"""A CPU kernel given float32 computes in float32: values cannot show it, its machine code can.

It is compiled for AVX2 where this processor can do more, whose own code all other tests run: so the values
for AVX2 are looked at in the same process. `test_other_processors.py` has those without it.
"""

import json
import os
import subprocess
import sys

# Sums of losses, of Σ W² and of db's parts; and what holds them, or takes 1 / N once a step.
SUMS_IN_FLOAT64 = {
    "mean_cross_entropy",
    "mean_loss",
    "add_penalty",
    "update_weights",
    "add_many_rows",
    "sum_of_squares",
}
HOLD_THEM = {"through_the_rows", "add_bias_gradient", "through_the_weights", "update_outputs", "work"}

SCRIPT = r"""
import json, re
import numpy as np
from xpnet_kernels import _jit, _simd, registry

if _jit.host_features().get("avx512f"):
    _jit.host_features = lambda: {"avx2": True, "fma": True}
    assert _simd.vector_bytes() == 32
for operation in registry.values():
    for implementation in operation.implementations:
        if implementation.engine == "numba":
            for sample in operation.sample_inputs(np.random.default_rng(0), "float32"):
                actual = implementation.function(*sample.arrays, **sample.options)
                expected = operation.reference(np, *sample.arrays, **sample.options)
                pairs = zip(actual, expected) if isinstance(expected, tuple) else [(actual, expected)]
                for got, wanted in pairs:
                    if wanted is not None:
                        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5, err_msg=operation.name)
arithmetic = re.compile(r"\bf(add|sub|mul|div|rem)\b[^,]*\bdouble\b")
found = {}
for kernel in _jit._cpu_kernels:
    if not hasattr(kernel.compiled, "inspect_llvm"):
        continue  # a generator of instructions: its code is in the kernels that use it
    code = "\n".join(kernel.compiled.inspect_llvm().values())
    found[kernel.function.__name__] = len(arithmetic.findall(code))
print(json.dumps(found))
"""


def test_no_cpu_kernel_widens_float32(tmp_path):
    """Compiled anew: the code of a kernel from the cache cannot be looked at."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    command = [sys.executable, "-c", SCRIPT]
    out = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    widening = json.loads(out.stdout)
    assert len(widening) > 15
    assert {name for name, count in widening.items() if count} - HOLD_THEM == SUMS_IN_FLOAT64
