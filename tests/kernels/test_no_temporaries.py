"""The CPU kernel that serves an operation makes its results, and no array beside them."""

import sys
import tracemalloc

import numpy as np
import pytest
from test_implementations import as_tuple

from xpnet_kernels import registry

LARGE = {"PRODUCT_SHAPES": ((200, 120, 150),), "MATRIX_SHAPES": ((200, 120),)}
"""In place of the shapes of the operations' samples: an array is larger than what Python makes on the way."""

PYTHONS_OWN = 8_000
"""Bytes; the smallest array of a large matrix, its mask, has 24,000."""

WHOLE_NETS = {"mlp_epoch", "mlp_forward"}

SERVING = [
    pytest.param(operation, served[0].function, id=operation.name)
    for operation in registry.values()
    if operation.name not in WHOLE_NETS
    if (served := [one for one in operation.implementations if one.engine == "numba"])
]


def large_sample(operation, monkeypatch):
    """Return arrays and options of the operation's own samples, at a large size."""
    module, own_shapes = sys.modules[operation.reference.__module__], True
    for name, shapes in LARGE.items():
        if name in vars(module):
            monkeypatch.setattr(module, name, shapes)
            own_shapes = False
    samples = list(operation.sample_inputs(np.random.default_rng(0), "float32"))
    sample = max(samples, key=lambda one: sum(map(np.size, one.arrays)))
    rows = 100 if own_shapes else 1
    return [np.concatenate([array] * rows) for array in sample.arrays], sample.options


@pytest.mark.parametrize(("operation", "function"), SERVING)
def test_a_kernel_makes_its_results_only(operation, function, monkeypatch):
    arrays, options = large_sample(operation, monkeypatch)
    function(*arrays, **options)  # compiles
    tracemalloc.start()
    try:
        results = as_tuple(function(*arrays, **options))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    made = sum(result.nbytes for result in results)
    assert max(array.nbytes for array in arrays) > 4 * PYTHONS_OWN
    assert made <= peak <= made + PYTHONS_OWN
