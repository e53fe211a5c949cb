"""The CPU product in panels: every vector width, every stride, every remainder."""

import os
import subprocess
import sys

import numpy as np
import pytest

from xpnet_kernels._panels import empty_panels, multiply_rows, pack, unpack
from xpnet_kernels._simd import ROWS, lanes, panel_width, vector_bytes

SHAPES = [(6, 1, 1), (7, 3, 16), (12, 50, 17), (13, 9, 64), (31, 20, 65), (100, 33, 200)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1), (5, 63), (5, 64), (3, 130)])
def test_panels_hold_a_matrix_and_zeros(shape, dtype):
    matrix = np.random.default_rng(0).normal(size=shape).astype(dtype)
    panels = empty_panels(*shape, dtype)
    pack(matrix, panels)
    count, rows, width = panels.shape
    assert rows == shape[0]
    assert count * width >= shape[1] > (count - 1) * width
    back = np.zeros_like(matrix)
    unpack(panels, back)
    np.testing.assert_array_equal(back, matrix)
    assert np.count_nonzero(panels) == np.count_nonzero(matrix)


def test_pack_takes_any_strides():
    matrix = np.arange(60.0).reshape(6, 10)
    for view in (matrix.T, matrix[::-1, ::2]):
        panels = empty_panels(*view.shape, "float64")
        pack(view, panels)
        np.testing.assert_array_equal(panels[0][:, : view.shape[1]], view)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rows", "inner", "columns"), SHAPES)
@pytest.mark.parametrize("transposed", [False, True])
def test_the_product_and_nothing_beside_it(rows, inner, columns, transposed, dtype):
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(rows, inner)).astype(dtype), rng.normal(size=(inner, columns)).astype(dtype)
    panels = empty_panels(inner, columns, dtype)
    pack(b, panels)
    stride = panels.shape[0] * panels.shape[2]
    c = np.full((rows + 2, stride), -7, dtype=dtype)
    flat, a_row, a_inner = (a.T.copy().reshape(-1), 1, rows) if transposed else (a.reshape(-1), inner, 1)
    multiply_rows(flat, a_row, a_inner, panels, inner, c.reshape(-1), stride, panels.shape[2], 0, rows)
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(c[:rows, :columns], a @ b, rtol=tolerance, atol=tolerance)
    assert (c[:rows, columns:] == 0).all()
    assert (c[rows:] == -7).all()


def test_a_range_of_rows_leaves_the_others():
    a, b = np.random.default_rng(2).normal(size=(2, 24, 24))
    panels = empty_panels(24, 24, "float64")
    pack(b, panels)
    c = np.full((24, panels.shape[2] * panels.shape[0]), np.nan)
    multiply_rows(
        a.reshape(-1), 24, 1, panels, 24, c.reshape(-1), c.shape[1], panels.shape[2], 7, 7 + ROWS + 2
    )
    np.testing.assert_allclose(c[7 : 9 + ROWS, :24], (a @ b)[7 : 9 + ROWS])
    assert np.isnan(c[:7]).all()
    assert np.isnan(c[9 + ROWS :]).all()


def test_the_width_of_panels():
    assert lanes("float32") == 2 * lanes("float64") == vector_bytes() // 4
    assert panel_width(1, "float32") == lanes("float32")
    assert panel_width(lanes("float32") + 1, "float32") == 2 * lanes("float32")
    assert panel_width(10_000, "float32") == (4 if vector_bytes() == 64 else 2) * lanes("float32")


SCRIPT = """
import sys
import numpy as np
from xpnet_kernels import _jit, _simd, matmul, mlp_epoch

bytes_to_features = {16: {}, 32: {"avx2": True, "fma": True}, 64: {"avx512f": True}}
_jit.host_features = lambda: bytes_to_features[int(sys.argv[1])]
assert _simd.vector_bytes() == int(sys.argv[1])
for operation, variant in ((mlp_epoch, "kernel"), (matmul, "tiled")):
    function = {i.variant: i.function for i in operation.implementations if i.engine == "numba"}[variant]
    for sample in operation.sample_inputs(np.random.default_rng(0), "float64"):
        expected = operation.reference(np, *sample.arrays, **sample.options)
        actual = function(*sample.arrays, **sample.options)
        pairs = zip(actual, expected) if isinstance(expected, tuple) else [(actual, expected)]
        for got, wanted in pairs:
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-13)
"""


@pytest.mark.parametrize("width", [16, 32, 64])
def test_processors_with_vectors_of_every_width(width, tmp_path):
    """Compiled for the instruction sets of other machines; LLVM splits what this one does not have."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    subprocess.run([sys.executable, "-c", SCRIPT, str(width)], check=True, env=environment)
