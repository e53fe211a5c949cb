"""ReLU and its gradient (book, volume 1, section 5.5.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from xpnet_kernels import _launch
from xpnet_kernels._arrays import Array, empty, namespace
from xpnet_kernels._jit import cuda, njit
from xpnet_kernels._operation import Sample, operation
from xpnet_kernels._samples import MATRIX_SHAPES, normal, with_zeros


@operation(layer="Relu")
def relu(xp: Any, x: Array) -> tuple[Array, Array]:
    """Return x where x > 0 and 0 elsewhere, and where x is positive.

    Parameters
    ----------
    x : array, any shape
        NaN stays NaN.

    Returns
    -------
    y : array of x's shape and dtype
    mask : array of x's shape, bool
        True where x > 0.
    """
    return xp.where(x <= 0, xp.zeros_like(x), x), x > 0


@operation(layer="Relu", same_shape=True)
def relu_backward(xp: Any, dout: Array, mask: Array) -> Array:
    """Return dout where mask is true and 0 elsewhere.

    Parameters
    ----------
    dout : array, any shape
    mask : array of dout's shape, bool
        The mask that `relu` returned.

    Returns
    -------
    array of dout's shape and dtype
    """
    return xp.where(mask, dout, xp.zeros_like(dout))


@relu.samples
def _relu_samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    for shape in MATRIX_SHAPES:
        yield Sample((with_zeros(rng, shape, dtype),))
    yield Sample((np.array([np.nan, -np.inf, np.inf, -0.0], dtype=dtype),))
    yield Sample((normal(rng, (2, 3, 5, 7), dtype),))


@relu_backward.samples
def _relu_backward_samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    for shape in MATRIX_SHAPES:
        yield Sample((normal(rng, shape, dtype), rng.random(shape) < 0.5))


@relu.implementation("numba")
def relu_cpu(x: Array) -> tuple[Array, Array]:
    """Fill result and mask in one pass."""
    y, mask = np.empty(x.shape, dtype=x.dtype), np.empty(x.shape, dtype=np.bool_)
    fill_relu(x.reshape(-1), y.reshape(-1), mask.reshape(-1))
    return y, mask


@relu_backward.implementation("numba")
def relu_backward_cpu(dout: Array, mask: Array) -> Array:
    """Copy dout through the mask in one pass."""
    dx = np.empty(dout.shape, dtype=dout.dtype)
    fill_masked(dout.reshape(-1), mask.reshape(-1), dx.reshape(-1))
    return dx


@njit
def fill_relu(x: Array, y: Array, mask: Array) -> None:
    """Write relu(x) and its mask, element by element."""
    zero = x.dtype.type(0)
    for i in range(x.size):
        mask[i] = x[i] > zero
        y[i] = zero if x[i] <= zero else x[i]


@njit
def fill_masked(dout: Array, mask: Array, dx: Array) -> None:
    """Write dout where mask is true and 0 elsewhere."""
    zero = dout.dtype.type(0)
    for i in range(dout.size):
        dx[i] = dout[i] if mask[i] else zero


@relu.implementation("numba-cuda")
def relu_cuda(x: Array) -> tuple[Array, Array]:
    """Fill result and mask in one kernel."""
    y, mask = empty(x.shape, like=x), namespace(x).empty(x.shape, dtype=bool)
    _launch.launch_over(x.size, relu_kernel, x.reshape(-1), y.reshape(-1), mask.reshape(-1))
    return y, mask


@relu_backward.implementation("numba-cuda")
def relu_backward_cuda(dout: Array, mask: Array) -> Array:
    """Copy dout through the mask in one kernel."""
    dx = empty(dout.shape, like=dout)
    _launch.launch_over(dout.size, relu_backward_kernel, dout.reshape(-1), mask.reshape(-1), dx.reshape(-1))
    return dx


@cuda.jit
def relu_kernel(x: Array, y: Array, mask: Array) -> None:
    """Write relu(x) and its mask; one thread an element."""
    i = cuda.grid(1)
    if i < x.size:
        zero = x.dtype.type(0)
        mask[i] = x[i] > zero
        y[i] = zero if x[i] <= zero else x[i]


@cuda.jit
def relu_backward_kernel(dout: Array, mask: Array, dx: Array) -> None:
    """Write dout where mask is true and 0 elsewhere; one thread an element."""
    i = cuda.grid(1)
    if i < dout.size:
        dx[i] = dout[i] if mask[i] else dout.dtype.type(0)
