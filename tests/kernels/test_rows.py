"""The CPU products: every stride, every remainder; other vector widths are in `test_other_processors.py`."""

import numpy as np
import pytest

from xpnet_kernels._ahead import NOTHING, Ahead
from xpnet_kernels._rows import (
    addresses,
    bring_back,
    empty_rows,
    lay_out,
    multiply,
    multiply_transposed,
    row_length,
    tile_multiple,
)
from xpnet_kernels._simd import lanes, tile_side, vector_bytes

SHAPES = [(6, 1, 1), (7, 3, 16), (12, 50, 17), (13, 9, 64), (31, 20, 65), (400, 33, 200), (1, 784, 50)]
TOLERANCE = {"float32": 1e-5, "float64": 1e-13}


def in_rows(matrix):
    rows = empty_rows(*matrix.shape, matrix.dtype)
    rows[: matrix.shape[0], : matrix.shape[1]] = matrix
    return rows


def factors(rows, inner, columns, dtype):
    rng = np.random.default_rng(1)
    return (rng.normal(size=shape).astype(dtype) for shape in ((rows, inner), (inner, columns)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("columns", [1, 16, 17, 64, 1024])
def test_a_row_holds_its_tiles_and_is_an_odd_number_of_vectors(columns, dtype):
    length = row_length(columns, dtype)
    assert length >= tile_multiple(columns) >= columns
    assert length % lanes(dtype) == 0
    assert length // lanes(dtype) % 2 == 1
    rows = empty_rows(7, columns, dtype)
    assert rows.shape == (tile_multiple(7), length)
    assert rows.ctypes.data % vector_bytes() == 0
    assert not rows.any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rows", "inner", "columns"), SHAPES)
@pytest.mark.parametrize("transposed", [False, True])
def test_the_product_and_nothing_beside_it(rows, inner, columns, transposed, dtype):
    a, b = factors(rows, inner, columns, dtype)
    left, right = in_rows(a.T.copy()).T if transposed else in_rows(a), in_rows(b)
    c = empty_rows(rows + tile_side(), columns, dtype)
    c[tile_multiple(rows) :] = -7
    multiply(left, addresses(right), c, inner, columns, 0, rows, NOTHING, 0, None)
    np.testing.assert_allclose(c[:rows, :columns], a @ b, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    assert (c[:rows, columns:] == 0).all()
    assert (c[tile_multiple(rows) :] == -7).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rows", "inner", "columns"), SHAPES)
def test_the_product_with_a_transposed_matrix(rows, inner, columns, dtype):
    a, b = factors(rows, inner, columns, dtype)
    left, right, c = in_rows(a), in_rows(b.T), empty_rows(rows, columns, dtype)
    c[rows:] = -7
    multiply_transposed(addresses(left), right, c, inner, 0, columns, 0, rows, NOTHING, 0)
    np.testing.assert_allclose(c[:rows, :columns], a @ b, rtol=TOLERANCE[dtype], atol=10 * TOLERANCE[dtype])
    assert (c[:rows, columns:] == 0).all()
    assert (c[rows:] == -7).all()


def test_parts_leave_the_rest():
    a, b = np.random.default_rng(2).normal(size=(2, 24, 24))
    left, right = in_rows(a), in_rows(b)
    side, rest = tile_side(), slice(2 * tile_side(), None)
    part = slice(side, 2 * side)
    c = np.full_like(empty_rows(24, 24, "float64"), np.nan)
    multiply(left, addresses(right), c, 24, 24, side, 2 * side, NOTHING, 0, None)
    np.testing.assert_allclose(c[part, :24], (a @ b)[part])
    assert np.isnan(c[:side]).all()
    assert np.isnan(c[rest]).all()
    c[:] = np.nan
    multiply_transposed(addresses(left), right, c, 24, side, 2 * side, side, 2 * side, NOTHING, 0)
    np.testing.assert_allclose(c[part, part], (a @ b.T)[part, part])
    assert np.isnan(c).sum() == c.size - side * side


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rows", "inner", "columns"), SHAPES)
def test_a_multiple_of_the_product_is_added(rows, inner, columns, dtype):
    a, b = factors(rows, inner, columns, dtype)
    left, right, c = in_rows(a), in_rows(b), empty_rows(rows, columns, dtype)
    c[:] = 2
    multiply(left, addresses(right), c, inner, columns, 0, rows, NOTHING, 0, c.dtype.type(-0.5))
    tolerance = {"rtol": TOLERANCE[dtype], "atol": 10 * TOLERANCE[dtype]}
    np.testing.assert_allclose(c[:rows, :columns], 2 - 0.5 * (a @ b), **tolerance)
    assert (c[:rows, columns:] == 2).all()


def test_memory_brought_in_meanwhile_changes_nothing():
    a, b = np.random.default_rng(2).normal(size=(2, 24, 24))
    left, right = in_rows(a), in_rows(b)
    soon = np.arange(5000.0)
    places = np.array([soon.ctypes.data, soon.ctypes.data + 8 * 2000])
    c = empty_rows(24, 24, "float64")
    multiply(left, addresses(right), c, 24, 24, 0, 24, Ahead(places, 20, 32), 3, None)
    np.testing.assert_allclose(c[:24, :24], a @ b)
    multiply_transposed(addresses(left), right, c, 24, 0, 24, 0, 24, Ahead(places, 20, 32), 3)
    np.testing.assert_allclose(c[:24, :24], a @ b.T)
    np.testing.assert_array_equal(soon, np.arange(5000.0))


def test_the_size_of_tiles():
    assert lanes("float32") == 2 * lanes("float64") == vector_bytes() // 4
    assert tile_side() == (5 if vector_bytes() == 64 else 3)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(1, 1), (31, 33), (70, 5), (3, 200)])
def test_laid_out_it_is_transposed_and_comes_back(shape, order):
    W = np.asarray(np.random.default_rng(0).random(shape), order=order)
    rows, back = empty_rows(shape[1] + 3, shape[0], W.dtype), np.zeros_like(W)
    lay_out(W, rows)
    np.testing.assert_array_equal(rows[: shape[1], : shape[0]], W.T)
    assert rows.sum() == pytest.approx(W.sum())
    bring_back(rows, back)
    np.testing.assert_array_equal(back, W)
