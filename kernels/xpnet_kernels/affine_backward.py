"""The gradients of the affine map (book, volume 1, section 5.6.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from xpnet_kernels import _launch
from xpnet_kernels._arrays import Array, empty, namespace
from xpnet_kernels._jit import cuda, njit
from xpnet_kernels._operation import Sample, operation
from xpnet_kernels._samples import PRODUCT_SHAPES, normal
from xpnet_kernels.matmul import matmul_tiled_cpu, matmul_tiled_cuda

Gradients = tuple[Array | None, Array, Array]


@operation(layer="Affine")
def affine_backward(xp: Any, dout: Array, x: Array, W: Array, *, want_dx: bool = True) -> Gradients:
    """Return the gradients of x W + b: dx = dout Wᵀ, dW = xᵀ dout, db = Σ over the rows of dout.

    Parameters
    ----------
    dout : array (N, H), float
    x : array (N, D), float
    W : array (D, H), float
    want_dx : bool, optional
        False leaves dx out: a net's first layer has nobody to give it to, and it is a third of the work.

    Returns
    -------
    dx : array (N, D), or None
    dW : array (D, H)
    db : array (H,)
    """
    dx = xp.matmul(dout, W.T) if want_dx else None
    return dx, xp.matmul(x.T, dout), xp.sum(dout, axis=0)


@affine_backward.samples
def _samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    for rows, inner, columns in PRODUCT_SHAPES:
        dout, x = normal(rng, (rows, columns), dtype), normal(rng, (rows, inner), dtype)
        yield Sample((dout, x, normal(rng, (inner, columns), dtype)))


@affine_backward.implementation("numba", "blas")
def affine_backward_blas(dout: Array, x: Array, W: Array, *, want_dx: bool = True) -> Gradients:
    """Multiply with BLAS, add up the rows with our own kernel."""
    dx = np.matmul(dout, W.T) if want_dx else None
    # dot, not matmul: on a single row matmul does without BLAS, and takes six times as long.
    return dx, np.dot(x.T, dout), _column_sums(dout)


@affine_backward.implementation("numba", "tiled")
def affine_backward_tiled_cpu(dout: Array, x: Array, W: Array, *, want_dx: bool = True) -> Gradients:
    """Multiply with our own CPU product."""
    dx = matmul_tiled_cpu(dout, W.T) if want_dx else None
    return dx, matmul_tiled_cpu(x.T, dout), _column_sums(dout)


def _column_sums(dout: Array) -> Array:
    sums = np.zeros(dout.shape[1], dtype=dout.dtype)
    add_rows(dout, sums)
    return sums


@njit
def add_rows(rows: Array, sums: Array) -> None:
    """Add every row to sums."""
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            sums[j] += rows[i, j]


@affine_backward.implementation("numba-cuda", "cublas")
def affine_backward_cublas(dout: Array, x: Array, W: Array, *, want_dx: bool = True) -> Gradients:
    """Multiply with cuBLAS, add up the rows with our own kernel."""
    xp = namespace(dout)
    dx = xp.matmul(dout, W.T) if want_dx else None
    return dx, xp.matmul(x.T, dout), _column_sums_cuda(dout)


@affine_backward.implementation("numba-cuda", "tiled")
def affine_backward_tiled_cuda(dout: Array, x: Array, W: Array, *, want_dx: bool = True) -> Gradients:
    """Multiply with our own CUDA product."""
    dx = matmul_tiled_cuda(dout, W.T) if want_dx else None
    return dx, matmul_tiled_cuda(x.T, dout), _column_sums_cuda(dout)


def _column_sums_cuda(dout: Array) -> Array:
    sums = empty((dout.shape[1],), like=dout)
    _launch.launch_over(sums.size, column_sums_kernel, dout, sums)
    return sums


@cuda.jit
def column_sums_kernel(rows: Array, sums: Array) -> None:
    """Add up one column per thread; neighbouring threads read neighbouring addresses."""
    j = cuda.grid(1)
    if j < sums.size:
        total = rows.dtype.type(0)
        for i in range(rows.shape[0]):
            total += rows[i, j]
        sums[j] = total
