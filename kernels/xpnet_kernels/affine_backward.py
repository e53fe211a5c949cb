"""The gradients of the affine map (book, volume 1, section 5.6.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from xpnet_kernels import _launch
from xpnet_kernels._arrays import Array, empty, namespace
from xpnet_kernels._jit import cuda
from xpnet_kernels._operation import Sample, operation
from xpnet_kernels._samples import PRODUCT_SHAPES, normal
from xpnet_kernels._sums import LONGEST, PARTS, add_many_rows, add_rows, sum_along
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
    return dx, xp.matmul(x.T, dout), sum_along(xp, dout)


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
    if len(dout) <= LONGEST:
        add_rows(dout, sums)
    else:
        totals = np.zeros(sums.shape)
        add_many_rows(dout, sums, totals)
        sums[...] = totals
    return sums


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
    rows = dout
    while len(rows) > LONGEST:
        rows = _sums_of_parts(rows, _launch.blocks_for(len(rows), PARTS))
    return _sums_of_parts(rows, 1)[0]


def _sums_of_parts(rows: Array, count: int) -> Array:
    """Return the sums of so many parts of the rows, array (count, H)."""
    sums = empty((count, rows.shape[1]), like=rows)
    _launch.launch_over(sums.size, sums_of_parts_kernel, rows, sums)
    return sums


@cuda.jit
def sums_of_parts_kernel(rows: Array, sums: Array) -> None:
    """Add up every M-th row from row m on in sums (M, H); one thread an element.

    Neighbouring threads read neighbouring addresses.
    """
    index = cuda.grid(1)
    if index < sums.size:
        m, j = index // sums.shape[1], index % sums.shape[1]
        total = rows.dtype.type(0)
        for i in range(m, rows.shape[0], sums.shape[0]):
            total += rows[i, j]
        sums[m, j] = total
