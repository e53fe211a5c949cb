"""The affine map x W + b, alone and with ReLU fused into it (book, volume 1, section 5.6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from xpnet_kernels import _launch
from xpnet_kernels._arrays import Array, empty, namespace
from xpnet_kernels._jit import cuda, njit
from xpnet_kernels._operation import Sample, operation
from xpnet_kernels._samples import PRODUCT_SHAPES, normal
from xpnet_kernels.matmul import (
    check_inner_sizes,
    dot_of_tiles,
    launch_over_tiles,
    matmul_tiled_cpu,
    place_in,
)


def check_bias(x: Array, W: Array, b: Array) -> None:
    """Raise ValueError unless b has a number for each column of W; kernels would read beyond it."""
    if b.shape != W.shape[1:]:
        raise ValueError(
            f"Affine: b is {tuple(b.shape)} but W is {tuple(W.shape)}; b must be (H,) with H = W.shape[1]."
        )


@operation(layer="Affine", check=check_bias)
def affine(xp: Any, x: Array, W: Array, b: Array) -> Array:
    """Return x W + b.

    Parameters
    ----------
    x : array (N, D), float
    W : array (D, H), float
    b : array (H,), float

    Returns
    -------
    array (N, H)
    """
    return xp.matmul(x, W) + b


@operation(layer="Affine", check=check_bias)
def affine_relu(xp: Any, x: Array, W: Array, b: Array) -> tuple[Array, Array]:
    """Return relu(x W + b), and where it is positive.

    Parameters
    ----------
    x, W, b : array
        As for `affine`.

    Returns
    -------
    y : array (N, H)
    mask : array (N, H), bool
        True where x W + b > 0: what `relu_backward` needs.
    """
    a = xp.matmul(x, W) + b
    return xp.where(a <= 0, xp.zeros_like(a), a), a > 0


@affine.samples
@affine_relu.samples
def _samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    for rows, inner, columns in PRODUCT_SHAPES:
        x, W = normal(rng, (rows, inner), dtype), normal(rng, (inner, columns), dtype)
        yield Sample((x, W, normal(rng, (columns,), dtype)))


@affine.implementation("numba", "blas")
def affine_blas(x: Array, W: Array, b: Array) -> Array:
    """Multiply with BLAS, then add the bias in place."""
    y = np.matmul(x, W)
    add_bias(y, b)
    return y


@affine.implementation("numba", "tiled")
def affine_tiled_cpu(x: Array, W: Array, b: Array) -> Array:
    """Multiply with our own CPU product, then add the bias in place."""
    y = matmul_tiled_cpu(x, W)
    add_bias(y, b)
    return y


@affine_relu.implementation("numba", "blas")
def affine_relu_blas(x: Array, W: Array, b: Array) -> tuple[Array, Array]:
    """Multiply with BLAS, then bias, ReLU and mask in one pass."""
    y = np.matmul(x, W)
    mask = np.empty(y.shape, dtype=np.bool_)
    add_bias_relu(y, b, mask)
    return y, mask


@njit
def add_bias(y: Array, b: Array) -> None:
    """Add b to every row of y."""
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] += b[j]


@njit
def add_bias_relu(y: Array, b: Array, mask: Array) -> None:
    """Replace y by relu(y + b) and note where that is positive; NaN stays NaN."""
    zero = y.dtype.type(0)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            a = y[i, j] + b[j]
            mask[i, j] = a > zero
            y[i, j] = zero if a <= zero else a


@affine.implementation("numba-cuda", "cublas")
def affine_cublas(x: Array, W: Array, b: Array) -> Array:
    """Multiply with cuBLAS, then add the bias in place."""
    y = namespace(x).matmul(x, W)
    _launch.launch_over(y.size, add_bias_kernel, y, b)
    return y


@affine.implementation("numba-cuda", "tiled")
def affine_tiled_cuda(x: Array, W: Array, b: Array) -> Array:
    """Multiply and add the bias in one kernel."""
    check_inner_sizes(x, W)
    y = empty((x.shape[0], W.shape[1]), like=x)
    launch_over_tiles(y, affine_kernel, x, W, b, y)
    return y


@affine_relu.implementation("numba-cuda", "cublas")
def affine_relu_cublas(x: Array, W: Array, b: Array) -> tuple[Array, Array]:
    """Multiply with cuBLAS, then bias, ReLU and mask in one kernel."""
    y = namespace(x).matmul(x, W)
    mask = namespace(x).empty(y.shape, dtype=bool)
    _launch.launch_over(y.size, add_bias_relu_kernel, y, b, mask)
    return y, mask


@affine_relu.implementation("numba-cuda", "tiled")
def affine_relu_tiled_cuda(x: Array, W: Array, b: Array) -> tuple[Array, Array]:
    """Multiply, add the bias, apply ReLU and note the mask in one kernel."""
    check_inner_sizes(x, W)
    y = empty((x.shape[0], W.shape[1]), like=x)
    mask = namespace(x).empty(y.shape, dtype=bool)
    launch_over_tiles(y, affine_relu_kernel, x, W, b, y, mask)
    return y, mask


@cuda.jit
def add_bias_kernel(y: Array, b: Array) -> None:
    """Add b to every row of y; one thread an element."""
    index = cuda.grid(1)
    if index < y.size:
        i, j = index // y.shape[1], index % y.shape[1]
        y[i, j] += b[j]


@cuda.jit
def add_bias_relu_kernel(y: Array, b: Array, mask: Array) -> None:
    """Replace y by relu(y + b) and note where that is positive; one thread an element."""
    index = cuda.grid(1)
    if index < y.size:
        i, j = index // y.shape[1], index % y.shape[1]
        a, zero = y[i, j] + b[j], y.dtype.type(0)
        mask[i, j] = a > zero
        y[i, j] = zero if a <= zero else a


@cuda.jit
def affine_kernel(x: Array, W: Array, b: Array, y: Array) -> None:
    """Write one tile of x W + b per thread block."""
    row, column = place_in(y)
    a = dot_of_tiles(x, W, row, column)
    if row < y.shape[0] and column < y.shape[1]:
        y[row, column] = a + b[column]


@cuda.jit
def affine_relu_kernel(x: Array, W: Array, b: Array, y: Array, mask: Array) -> None:
    """Write one tile of relu(x W + b) and of its mask per thread block."""
    row, column = place_in(y)
    a = dot_of_tiles(x, W, row, column)
    if row < y.shape[0] and column < y.shape[1]:
        a += b[column]
        zero = y.dtype.type(0)
        mask[row, column] = a > zero
        y[row, column] = zero if a <= zero else a
