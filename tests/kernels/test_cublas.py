"""cuBLAS past CuPy: products of matrices that lie row by row, the handle, its errors, and TF32."""

import ctypes

import numpy as np
import pytest
from engines import simulated

if not simulated():
    pytest.skip("there is a GPU: the doubles stand for one", allow_module_level=True)

from xpnet_kernels import _cublas

DRAW = np.random.default_rng(0)


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_are_those_of_matrices_that_lie_row_by_row(transpose_a, transpose_b, dtype, cuda):
    a, b = DRAW.normal(size=(3, 5)).astype(dtype), DRAW.normal(size=(5, 4)).astype(dtype)
    given_a = np.ascontiguousarray(a.T) if transpose_a else a
    given_b = np.ascontiguousarray(b.T) if transpose_b else b
    out = np.full((3, 4), np.nan, dtype)
    products = _cublas.Products(a)
    products.follow(0)
    products.multiply(given_a, given_b, out, transpose_a=transpose_a, transpose_b=transpose_b)
    np.testing.assert_allclose(out, a.astype("float64") @ b, rtol=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_vector_is_multiplied_by_a_matrix_that_lies_row_by_row(dtype, cuda):
    x, a = DRAW.normal(size=5).astype(dtype), DRAW.normal(size=(5, 3)).astype(dtype)
    out = np.full(3, np.nan, dtype)
    products = _cublas.Products(a)
    products.follow(0)
    products.multiply_vector(x, a, out)
    np.testing.assert_allclose(out, x.astype("float64") @ a, rtol=1e-5 if dtype == "float32" else 1e-12)


def test_a_handle_is_given_back(cuda):
    products = _cublas.Products(np.empty(0))
    assert cuda.cublas.handles == 1
    del products
    assert cuda.cublas.handles == 0


def test_a_failing_call_says_which_and_why(cuda, monkeypatch):
    monkeypatch.setattr(cuda.cublas, "cublasSetMathMode", lambda handle, mode: 13, raising=False)
    with pytest.raises(_cublas.CublasError, match="cublasSetMathMode returned 13: the GPU failed"):
        _cublas.Products(np.empty(0))


def test_a_missing_library_says_what_to_install(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: _raise(OSError("cannot open")))
    _cublas._loaded.cache_clear()
    with pytest.raises(_cublas.CublasError, match=r'pip install "cupy-cuda13x\[ctk\]"'):
        _cublas._loaded(13)


def _raise(error):
    raise error


def test_the_setting_of_tf32(monkeypatch):
    monkeypatch.delenv("XPNET_TF32", raising=False)
    assert _cublas.tf32() is False
    monkeypatch.setenv("XPNET_TF32", "1")
    assert _cublas.tf32() is True
    _cublas.choose_tf32(False)
    try:
        assert _cublas.tf32() is False
    finally:
        _cublas.choose_tf32(None)
    monkeypatch.setenv("XPNET_TF32", "yes")
    with pytest.raises(ValueError, match="XPNET_TF32 is 'yes'; it must be 0 or 1"):
        _cublas.tf32()
    with pytest.raises(TypeError, match="tf32 is 1; it must be True or False"):
        _cublas.choose_tf32(1)
