"""cuBLAS past CuPy, which refuses to call it while a graph is recorded; the only file that speaks ctypes.

Matrices lie in memory row by row here and column by column for cuBLAS, which so sees every one transposed: it
is asked for (A B)ᵀ = Bᵀ Aᵀ.
"""

from __future__ import annotations

import ctypes
import functools
import os
import weakref
from typing import Any

from xpnet_kernels._arrays import Array, empty_bytes, namespace

VARIABLE = "XPNET_TF32"

WORKSPACE = 32 << 20
"""Bytes of scratch memory, as much as NVIDIA asks for on its newer GPUs."""

_FLOAT32, _TF32 = 0, 3  # CUBLAS_DEFAULT_MATH, CUBLAS_TF32_TENSOR_OP_MATH
_STATUS = {
    1: "not initialised",
    3: "out of memory",
    7: "an argument it does not take",
    8: "not supported on this GPU",
    11: "an error of memory mapping",
    13: "the GPU failed",
    14: "an internal error",
    15: "not supported",
}

_chosen: bool | None = None


def choose_tf32(enabled: bool | None) -> None:
    """Set whether wide float32 products may take TF32, in place of XPNET_TF32; None goes back to that."""
    global _chosen
    if enabled is not None and not isinstance(enabled, bool):
        raise TypeError(f"tf32 is {enabled!r}; it must be True or False")
    _chosen = enabled


def tf32() -> bool:
    """Return whether wide float32 products may take TF32: 10 bits of each factor's fraction instead of 23.

    Raises
    ------
    ValueError
        If XPNET_TF32 counts and is neither 0 nor 1.
    """
    if _chosen is not None:
        return _chosen
    text = os.environ.get(VARIABLE, "0")
    if text not in ("", "0", "1"):
        raise ValueError(f"{VARIABLE} is {text!r}; it must be 0 or 1")
    return text == "1"


class CublasError(RuntimeError):
    """A call of cuBLAS failed."""


class Products:
    """Matrix products on one device, with a handle and scratch memory of their own.

    Parameters
    ----------
    like : array
        Any array of the device.
    tf32 : bool
        Whether float32 products may take TF32.
    """

    def __init__(self, like: Array, tf32: bool = False) -> None:
        self._library = library(like)
        self._scratch = empty_bytes(WORKSPACE, like)
        self._handle = ctypes.c_void_p()
        self._call("cublasCreate_v2", ctypes.byref(self._handle))
        weakref.finalize(self, self._library.cublasDestroy_v2, self._handle)
        self._call("cublasSetMathMode", self._handle, _TF32 if tf32 else _FLOAT32)

    def follow(self, stream: int) -> None:
        """Compute in a stream, given by its address, from now on."""
        self._call("cublasSetStream_v2", self._handle, ctypes.c_void_p(stream))
        # Setting the stream takes the scratch memory away again.
        size = ctypes.c_size_t(self._scratch.nbytes)
        self._call("cublasSetWorkspace_v2", self._handle, pointer(self._scratch), size)

    def multiply(
        self, a: Array, b: Array, out: Array, transpose_a: bool = False, transpose_b: bool = False
    ) -> None:
        """Write op(a) · op(b) into `out`.

        Parameters
        ----------
        a : array (N, D), or (D, N) if it is transposed; float32 or float64, C-contiguous, as all three
        b : array (D, H), or (H, D) if it is transposed
        out : array (N, H)
        transpose_a, transpose_b : bool, optional
        """
        rows, columns = out.shape
        inner = a.shape[0] if transpose_a else a.shape[1]
        name, real = _GEMM[out.dtype.name]
        one, zero = ctypes.byref(real(1)), ctypes.byref(real(0))
        self._call(
            name, self._handle, int(transpose_b), int(transpose_a), columns, rows, inner,
            one, pointer(b), b.shape[1], pointer(a), a.shape[1], zero, pointer(out), columns,
        )  # fmt: skip

    def multiply_vector(self, x: Array, a: Array, out: Array) -> None:
        """Write x · a into `out`, in the arrays' dtype also where products may take TF32.

        Parameters
        ----------
        x : array (N,)
        a : array (N, H), C-contiguous
        out : array (H,)
        """
        name, real = _GEMV[out.dtype.name]
        one, zero = ctypes.byref(real(1)), ctypes.byref(real(0))
        rows, columns = a.shape
        self._call(
            name, self._handle, 0, columns, rows,
            one, pointer(a), columns, pointer(x), 1, zero, pointer(out), 1,
        )  # fmt: skip

    def _call(self, name: str, *args: Any) -> None:
        status = getattr(self._library, name)(*args)
        if status != 0:
            raise CublasError(f"{name} returned {status}: {_STATUS.get(status, 'a status unknown here')}")


_GEMM = {"float32": ("cublasSgemm_v2", ctypes.c_float), "float64": ("cublasDgemm_v2", ctypes.c_double)}
_GEMV = {"float32": ("cublasSgemv_v2", ctypes.c_float), "float64": ("cublasDgemv_v2", ctypes.c_double)}


def pointer(array: Array) -> ctypes.c_void_p:
    """Return the address of a device array."""
    return ctypes.c_void_p(array.data.ptr)


def library(like: Array) -> Any:
    """Return the library that CuPy has loaded, by any array of the device."""
    xp = namespace(like)
    xp.matmul(xp.ones((1, 1), "float32"), xp.ones((1, 1), "float32"))  # CuPy loads it when it is needed
    return _loaded(xp.cuda.runtime.runtimeGetVersion() // 1000)


@functools.cache
def _loaded(major: int) -> Any:
    name = f"cublas64_{major}.dll" if os.name == "nt" else f"libcublas.so.{major}"
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        raise CublasError(
            f"{name} is not found ({error}); install the CUDA {major} libraries that CuPy was made for, "
            f'e.g. pip install "cupy-cuda{major}x[ctk]"'
        ) from None
