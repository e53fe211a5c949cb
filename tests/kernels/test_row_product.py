"""One row through a layer: every remainder of columns and rows, every vector width, nothing beside it."""

import os
import subprocess
import sys

import numpy as np
import pytest

from xpnet_kernels._listed_rows import FEW_ROWS, list_rows
from xpnet_kernels._simd import lanes, vector_bytes
from xpnet_kernels._simd_list import PLACE
from xpnet_kernels._simd_row import CHAINS, VECTORS
from xpnet_kernels.mlp_forward import rows
from xpnet_kernels.mlp_forward.cpu import Forward, as_taken

LANE = lanes("float32")
COLUMNS = sorted(
    {1, 2, LANE - 1, LANE, LANE + 1, 2 * LANE, 3 * LANE + 1, VECTORS * LANE, VECTORS * LANE + 1, 600}
)
INNER = sorted({1, CHAINS, CHAINS + 1, 31, 3 * FEW_ROWS + 1})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("inner", INNER)
def test_the_product_and_nothing_beside_it(inner, columns, dtype):
    rng = np.random.default_rng(0)
    x, b = rng.normal(size=inner).astype(dtype), rng.normal(size=columns).astype(dtype)
    around = np.full(inner * columns + 2, np.nan, dtype=dtype)
    W = around[1:-1].reshape(inner, columns)
    W[...] = rng.normal(size=(inner, columns))
    layer = Forward([W, b], []).layers[0]
    y = np.full(columns + LANE, -7, dtype=dtype)
    numbers, places = np.empty(inner, dtype), np.empty(inner, PLACE)
    count = list_rows(x, 0, inner, x.dtype.type(1), numbers, places)
    rows.affine_row(numbers, places, count, y[:columns], layer)
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(y[:columns], x @ W + b, rtol=tolerance, atol=tolerance)
    assert (y[columns:] == -7).all()


def test_as_taken_copies_only_what_it_must():
    x = np.arange(12.0).reshape(3, 4)
    assert as_taken(x) is x
    x.flags.writeable = False
    view = as_taken(x)
    assert view.flags.carray
    assert np.shares_memory(view, x)
    assert not np.shares_memory(as_taken(x.T), x)
    unaligned = np.frombuffer(b"." + x.tobytes(), dtype="u1")[1:].view("float64").reshape(3, 4)
    assert as_taken(unaligned).flags.carray
    np.testing.assert_array_equal(as_taken(unaligned), x)


def test_shapes_that_do_not_fit_are_never_read():
    ones = np.ones
    for arrays in (
        [ones((3, 2)), ones(3)],
        [ones((3, 2)), ones(2), ones((3, 1)), ones(1)],
        [ones((3, 2))],
        [ones((2,)), ones(2)],
    ):
        activations = ["relu"] * (len(arrays) // 2 - 1)
        with pytest.raises(ValueError, match=r"predict: the parameters are .* must be W \(D, H\) and b"):
            Forward(arrays, activations)


SCRIPT = """
import sys
import numpy as np
from xpnet_kernels import _jit, _simd, mlp_forward

bytes_to_features = {16: {}, 32: {"avx2": True, "fma": True}}
_jit.host_features = lambda: bytes_to_features[int(sys.argv[1])]
assert _simd.vector_bytes() == int(sys.argv[1])
(function,) = [i.function for i in mlp_forward.implementations if i.engine == "numba"]
for sample in mlp_forward.sample_inputs(np.random.default_rng(0), "float64"):
    expected = mlp_forward.reference(np, *sample.arrays, **sample.options)
    np.testing.assert_allclose(function(*sample.arrays, **sample.options), expected, rtol=1e-12, atol=1e-13)
"""


@pytest.mark.parametrize("width", [16, 32])
def test_processors_with_narrower_vectors(width, tmp_path):
    """Compiled for the instruction sets of other machines; for this one's own by all other tests."""
    if width >= vector_bytes():
        pytest.skip(f"this processor has registers of {vector_bytes()} bytes: narrower ones only")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    subprocess.run([sys.executable, "-c", SCRIPT, str(width)], check=True, env=environment)
