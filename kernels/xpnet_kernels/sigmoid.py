"""The logistic sigmoid and its gradient (book, volume 1, section 5.5.2)."""

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


@operation(layer="Sigmoid")
def sigmoid(xp: Any, x: Array) -> Array:
    """Return 1 / (1 + exp(-x)), without overflow at any x.

    Parameters
    ----------
    x : array, any shape, float

    Returns
    -------
    array of x's shape and dtype
    """
    small = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, 1 / (1 + small), small / (1 + small))


@operation(layer="Sigmoid", same_shape=True)
def sigmoid_backward(xp: Any, dout: Array, y: Array) -> Array:
    """Return dout · y · (1 - y).

    Parameters
    ----------
    dout : array, any shape
    y : array of dout's shape
        What `sigmoid` returned.
    """
    return dout * y * (1 - y)


@sigmoid.samples
def _sigmoid_samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    for shape in MATRIX_SHAPES:
        yield Sample((3 * normal(rng, shape, dtype),))
    yield Sample((np.array([-1000, 1000, 0, np.inf, -np.inf, np.nan], dtype=dtype),))


@sigmoid_backward.samples
def _sigmoid_backward_samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    for shape in MATRIX_SHAPES:
        yield Sample((normal(rng, shape, dtype), rng.random(shape).astype(dtype)))


@njit
def sigmoid_value(x: Any, one: Any) -> Any:
    """Return the sigmoid of one number, given 1 in its dtype; serves the CPU and the CUDA kernel."""
    small = exp(-abs(x))
    return one / (one + small) if x >= 0 else small / (one + small)


@sigmoid.implementation("numba")
def sigmoid_cpu(x: Array) -> Array:
    """Fill the result in one pass."""
    y = np.empty(x.shape, dtype=x.dtype)
    fill_sigmoid(x.reshape(-1), y.reshape(-1))
    return y


@sigmoid_backward.implementation("numba")
def sigmoid_backward_cpu(dout: Array, y: Array) -> Array:
    """Fill the gradient in one pass."""
    dx = np.empty(dout.shape, dtype=dout.dtype)
    fill_sigmoid_backward(dout.reshape(-1), y.reshape(-1), dx.reshape(-1))
    return dx


@njit
def fill_sigmoid(x: Array, y: Array) -> None:
    """Write sigmoid(x), element by element."""
    one = x.dtype.type(1)  # a plain 1 would widen float32 to float64
    for i in range(x.size):
        y[i] = sigmoid_value(x[i], one)


@njit
def fill_sigmoid_backward(dout: Array, y: Array, dx: Array) -> None:
    """Write dout y (1 - y), element by element."""
    one = y.dtype.type(1)
    for i in range(dout.size):
        dx[i] = dout[i] * y[i] * (one - y[i])


@sigmoid.implementation("numba-cuda")
def sigmoid_cuda(x: Array) -> Array:
    """Fill the result in one kernel."""
    y = empty(x.shape, like=x)
    _launch.launch_over(x.size, sigmoid_kernel, x.reshape(-1), y.reshape(-1))
    return y


@sigmoid_backward.implementation("numba-cuda")
def sigmoid_backward_cuda(dout: Array, y: Array) -> Array:
    """Fill the gradient in one kernel."""
    dx = empty(dout.shape, like=dout)
    flat = dout.reshape(-1), y.reshape(-1), dx.reshape(-1)
    _launch.launch_over(dout.size, sigmoid_backward_kernel, *flat)
    return dx


sigmoid_value_on_device = on_device(sigmoid_value, exp=math.exp)


@cuda.jit
def sigmoid_kernel(x: Array, y: Array) -> None:
    """Write sigmoid(x); one thread an element."""
    i = cuda.grid(1)
    if i < x.size:
        y[i] = sigmoid_value_on_device(x[i], x.dtype.type(1))


@cuda.jit
def sigmoid_backward_kernel(dout: Array, y: Array, dx: Array) -> None:
    """Write dout y (1 - y); one thread an element."""
    i = cuda.grid(1)
    if i < dout.size:
        dx[i] = dout[i] * y[i] * (y.dtype.type(1) - y[i])
