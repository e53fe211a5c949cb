"""The hyperbolic tangent and its gradient (book, volume 2, section 5.3)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from xpnet_kernels import _launch
from xpnet_kernels._arrays import Array, empty
from xpnet_kernels._exp import exp_minus_one
from xpnet_kernels._jit import cuda, njit
from xpnet_kernels._operation import Sample, operation
from xpnet_kernels._samples import MATRIX_SHAPES, normal


@operation(layer="Tanh")
def tanh(xp: Any, x: Array) -> Array:
    """Return tanh(x).

    Parameters
    ----------
    x : array, any shape, float

    Returns
    -------
    array of x's shape and dtype
    """
    return xp.tanh(x)


@operation(layer="Tanh", same_shape=True)
def tanh_backward(xp: Any, dout: Array, y: Array) -> Array:
    """Return dout · (1 - y²).

    Parameters
    ----------
    dout : array, any shape
    y : array of dout's shape
        What `tanh` returned.
    """
    return dout * (1 - y * y)


@tanh.samples
def _tanh_samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    for shape in MATRIX_SHAPES:
        yield Sample((3 * normal(rng, shape, dtype),))
    yield Sample((np.array([-1000, 1000, 0, np.inf, -np.inf, np.nan], dtype=dtype),))


@tanh_backward.samples
def _tanh_backward_samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    for shape in MATRIX_SHAPES:
        yield Sample((normal(rng, shape, dtype), rng.random(shape).astype(dtype)))


@njit
def tanh_value(x: Any, one: Any) -> Any:
    """Return tanh(x) of one number, given 1 in its dtype, from exp(-2 |x|) - 1."""
    less = exp_minus_one(-abs(x + x))
    y = -less / (less + one + one)
    return -y if x < 0 else y


@tanh.implementation("numba")
def tanh_cpu(x: Array) -> Array:
    """Fill the result in one pass."""
    y = np.empty(x.shape, dtype=x.dtype)
    fill_tanh(x.reshape(-1), y.reshape(-1))
    return y


@tanh_backward.implementation("numba")
def tanh_backward_cpu(dout: Array, y: Array) -> Array:
    """Fill the gradient in one pass."""
    dx = np.empty(dout.shape, dtype=dout.dtype)
    fill_tanh_backward(dout.reshape(-1), y.reshape(-1), dx.reshape(-1))
    return dx


@njit
def fill_tanh(x: Array, y: Array) -> None:
    """Write tanh(x), element by element."""
    one = x.dtype.type(1)  # a plain 1 would widen float32 to float64
    for i in range(x.size):
        y[i] = tanh_value(x[i], one)


@njit
def fill_tanh_backward(dout: Array, y: Array, dx: Array) -> None:
    """Write dout (1 - y²), element by element."""
    one = y.dtype.type(1)  # a plain 1 would widen float32 to float64
    for i in range(dout.size):
        dx[i] = dout[i] * (one - y[i] * y[i])


@tanh.implementation("numba-cuda")
def tanh_cuda(x: Array) -> Array:
    """Fill the result in one kernel."""
    y = empty(x.shape, like=x)
    _launch.launch_over(x.size, tanh_kernel, x.reshape(-1), y.reshape(-1))
    return y


@tanh_backward.implementation("numba-cuda")
def tanh_backward_cuda(dout: Array, y: Array) -> Array:
    """Fill the gradient in one kernel."""
    dx = empty(dout.shape, like=dout)
    flat = dout.reshape(-1), y.reshape(-1), dx.reshape(-1)
    _launch.launch_over(dout.size, tanh_backward_kernel, *flat)
    return dx


@cuda.jit
def tanh_kernel(x: Array, y: Array) -> None:
    """Write tanh(x); one thread an element."""
    i = cuda.grid(1)
    if i < x.size:
        y[i] = math.tanh(x[i])


@cuda.jit
def tanh_backward_kernel(dout: Array, y: Array, dx: Array) -> None:
    """Write dout (1 - y²); one thread an element."""
    i = cuda.grid(1)
    if i < dout.size:
        dx[i] = dout[i] * (y.dtype.type(1) - y[i] * y[i])
