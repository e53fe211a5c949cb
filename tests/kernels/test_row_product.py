"""One row through a layer: every remainder of columns and rows, nothing beside it."""

import numpy as np
import pytest

from xpnet_kernels._arrays import as_taken
from xpnet_kernels._listed_rows import FEW_ROWS, list_rows
from xpnet_kernels._simd import lanes
from xpnet_kernels._simd_list import PLACE
from xpnet_kernels._simd_row import CHAINS, VECTORS
from xpnet_kernels.mlp_forward import rows
from xpnet_kernels.mlp_forward.cpu import Forward

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
