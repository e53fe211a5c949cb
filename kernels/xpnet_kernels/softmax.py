"""Softmax over the last axis and its gradient (book, volume 1, section 3.5)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from xpnet_kernels import _launch
from xpnet_kernels._arrays import Array, empty
from xpnet_kernels._exp import exp
from xpnet_kernels._jit import cuda, njit, on_device
from xpnet_kernels._operation import Sample, operation
from xpnet_kernels._samples import MATRIX_SHAPES, normal


@operation(layer="Softmax")
def softmax(xp: Any, a: Array) -> Array:
    """Return exp(a_k - max a) / Σ_i exp(a_i - max a) over the last axis.

    Parameters
    ----------
    a : array (..., C), float

    Returns
    -------
    array of a's shape and dtype
        Each row sums to 1.
    """
    if 0 in a.shape:
        return xp.zeros_like(a)
    e = xp.exp(a - xp.max(a, axis=-1, keepdims=True))
    return e / xp.sum(e, axis=-1, keepdims=True)


@operation(layer="Softmax", same_shape=True)
def softmax_backward(xp: Any, dout: Array, y: Array) -> Array:
    """Return y · (dout - Σ_k dout_k y_k) over the last axis.

    Parameters
    ----------
    dout : array (..., C), float
    y : array of dout's shape
        What `softmax` returned.
    """
    return y * (dout - xp.sum(dout * y, axis=-1, keepdims=True))


@softmax.samples
def _softmax_samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    for shape in MATRIX_SHAPES:
        yield Sample((5 * normal(rng, shape, dtype),))
    yield Sample((normal(rng, (7,), dtype),))
    yield Sample((np.array([[1000, 0, -1000], [-1000, -1000, -999]], dtype=dtype),))


@softmax_backward.samples
def _softmax_backward_samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    for shape in MATRIX_SHAPES:
        yield Sample((normal(rng, shape, dtype), rng.random(shape).astype(dtype)))


def _rows(a: Array) -> Array:
    """View `a` as a matrix of rows along its last axis."""
    return a.reshape(math.prod(a.shape[:-1]), a.shape[-1])


@softmax.implementation("numba")
def softmax_cpu(a: Array) -> Array:
    """Fill the result row by row."""
    y = np.empty(a.shape, dtype=a.dtype)
    fill_softmax(_rows(a), _rows(y))
    return y


@softmax_backward.implementation("numba")
def softmax_backward_cpu(dout: Array, y: Array) -> Array:
    """Fill the gradient row by row."""
    dx = np.empty(dout.shape, dtype=dout.dtype)
    fill_softmax_backward(_rows(dout), _rows(y), _rows(dx))
    return dx


@njit
def softmax_row(a: Array, y: Array) -> None:
    """Write the softmax of one row; serves the CPU and the CUDA kernel."""
    top = a[0]
    for k in range(1, a.size):
        top = max(top, a[k])
    total = a.dtype.type(0)
    for k in range(a.size):
        y[k] = exp(a[k] - top)
        total += y[k]
    for k in range(a.size):
        y[k] /= total


@njit
def softmax_backward_row(dout: Array, y: Array, dx: Array) -> None:
    """Write the gradient of one row; serves the CPU and the CUDA kernel."""
    inner = dout.dtype.type(0)
    for k in range(y.size):
        inner += dout[k] * y[k]
    for k in range(y.size):
        dx[k] = y[k] * (dout[k] - inner)


@njit
def fill_softmax(a: Array, y: Array) -> None:
    """Write the softmax of every row."""
    if a.shape[1] > 0:
        for i in range(a.shape[0]):
            softmax_row(a[i], y[i])


@njit
def fill_softmax_backward(dout: Array, y: Array, dx: Array) -> None:
    """Write the gradient of every row."""
    for i in range(dout.shape[0]):
        softmax_backward_row(dout[i], y[i], dx[i])


@softmax.implementation("numba-cuda")
def softmax_cuda(a: Array) -> Array:
    """Give each row to one thread."""
    y = empty(a.shape, like=a)
    if y.size:
        _launch.launch_over(_rows(a).shape[0], softmax_kernel, _rows(a), _rows(y))
    return y


@softmax_backward.implementation("numba-cuda")
def softmax_backward_cuda(dout: Array, y: Array) -> Array:
    """Give each row to one thread."""
    dx = empty(dout.shape, like=dout)
    if dx.size:
        rows = _rows(dout), _rows(y), _rows(dx)
        _launch.launch_over(rows[0].shape[0], softmax_backward_kernel, *rows)
    return dx


softmax_row_on_device = on_device(softmax_row, exp=math.exp)
softmax_backward_row_on_device = on_device(softmax_backward_row)


@cuda.jit
def softmax_kernel(a: Array, y: Array) -> None:
    """Write the softmax of one row per thread."""
    i = cuda.grid(1)
    if i < a.shape[0]:
        softmax_row_on_device(a[i], y[i])


@cuda.jit
def softmax_backward_kernel(dout: Array, y: Array, dx: Array) -> None:
    """Write the gradient of one row per thread."""
    i = cuda.grid(1)
    if i < dout.shape[0]:
        softmax_backward_row_on_device(dout[i], y[i], dx[i])
