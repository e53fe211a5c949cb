"""cuBLAS past CuPy: the handle, its errors, and TF32."""

import ctypes

import numpy as np
import pytest
from engines import simulated

if not simulated():
    pytest.skip("there is a GPU: the doubles stand for one", allow_module_level=True)

from xpnet_kernels import _cublas


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
