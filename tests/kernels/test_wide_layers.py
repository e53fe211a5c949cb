"""Wide layers of a captured epoch, on a GPU where there is one: cuBLAS, and all that goes by it."""

import numpy as np
import pytest
from engines import to_numpy
from layouts import laid_out
from test_implementations import as_tuple, assert_close, in_float64

from xpnet_kernels import _launch, mlp_epoch

DRAW = np.random.default_rng(0)
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}

pytestmark = pytest.mark.gpu


def products_for(array):
    from xpnet_kernels import _cublas

    products = _cublas.Products(array)
    products.follow(_launch.current_stream(array))
    return products


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_are_those_of_matrices_that_lie_row_by_row(transpose_a, transpose_b, dtype, xp):
    a, b = DRAW.normal(size=(3, 5)).astype(dtype), DRAW.normal(size=(5, 4)).astype(dtype)
    given_a = xp.asarray(np.ascontiguousarray(a.T) if transpose_a else a)
    given_b = xp.asarray(np.ascontiguousarray(b.T) if transpose_b else b)
    out = xp.full((3, 4), np.nan, dtype)
    products_for(out).multiply(given_a, given_b, out, transpose_a=transpose_a, transpose_b=transpose_b)
    np.testing.assert_allclose(to_numpy(out), a.astype("float64") @ b, rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_vector_is_multiplied_by_a_matrix_that_lies_row_by_row(dtype, xp):
    x, a = DRAW.normal(size=5).astype(dtype), DRAW.normal(size=(5, 3)).astype(dtype)
    out = xp.full(3, np.nan, dtype)
    products_for(out).multiply_vector(xp.asarray(x), xp.asarray(a), out)
    np.testing.assert_allclose(to_numpy(out), x.astype("float64") @ a, rtol=TOLERANCE[dtype])


@pytest.mark.parametrize(("wide", "dtype"), [(0, "float32"), (100, "float64")])
def test_an_epoch_agrees_with_the_float64_reference(wide, dtype, xp, monkeypatch):
    """With 0 every layer is wide, with 100 some layers of some samples are."""
    from xpnet_kernels.mlp_epoch.graph import step

    monkeypatch.setattr(step, "WIDE", wide)
    (graph,) = [one.function for one in mlp_epoch.implementations if one.variant == "graph"]
    for sample in mlp_epoch.sample_inputs(np.random.default_rng(0), dtype):
        where = f"shapes {[np.shape(array) for array in sample.arrays]}"
        results = as_tuple(graph(*laid_out(xp, "contiguous", sample.arrays), **sample.options))
        exact = mlp_epoch.reference(np, *in_float64(sample.arrays), **sample.options)
        for result, value in zip(results, exact, strict=True):
            assert_close(to_numpy(result), value, where)


def test_a_batch_of_more_tiles_than_a_grid_is_high_goes_by_cublas():
    from xpnet_kernels._limits import MOST_BLOCKS
    from xpnet_kernels.mlp_epoch.graph.step import are_wide, tiles

    most = MOST_BLOCKS[1] * tiles.ROWS
    assert are_wide([4, 8, 3], most) == [False, False]
    assert are_wide([4, 8, 3], most + 1) == [True, True]
