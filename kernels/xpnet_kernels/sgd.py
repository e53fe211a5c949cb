"""The update of stochastic gradient descent (book, volume 1, section 6.1.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda, njit, on_device
from xpnet_kernels._operation import Sample, operation
from xpnet_kernels._samples import MATRIX_SHAPES, normal
from xpnet_kernels._updates import Arrays, store_all, update_cpu, update_cuda


@operation(layer="SGD", same_shape=True)
def sgd(xp: Any, W: Array, dW: Array, *, lr: float, out: Arrays | None = None) -> Arrays:
    """Return W - lr dW.

    Parameters
    ----------
    W : array, any shape
    dW : array of W's shape
    lr : float
        Learning rate.
    out : tuple of array, optional
        Receive the results; may be the arguments themselves.

    Returns
    -------
    tuple of array of W's shape
        The new W.
    """
    return store_all(out, (W - lr * dW,))


@sgd.samples
def _samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    options = {"lr": 0.1}
    for shape in MATRIX_SHAPES:
        yield Sample((normal(rng, shape, dtype), normal(rng, shape, dtype)), options)


@njit
def sgd_value(w: Any, g: Any, numbers: Any) -> Any:
    """Return the new values at one weight; serves the CPU and the CUDA kernel."""
    (lr,) = numbers
    return (w - lr * g,)


@sgd.implementation("numba")
def sgd_cpu(W: Array, dW: Array, *, lr: float, out: Arrays | None = None) -> Arrays:
    """Update in one pass."""
    return update_cpu(fill_sgd, renew_sgd, (W, dW), (lr,), out)


@njit
def fill_sgd(W: Array, dW: Array, numbers: Any, new_W: Array) -> None:
    """Write the new values, element by element."""
    for i in range(W.size):
        (new_W[i],) = sgd_value(W[i], dW[i], numbers)


@njit
def renew_sgd(W: Array, dW: Array, numbers: Any) -> None:
    """Write the new values over the old ones."""
    for i in range(W.size):
        (W[i],) = sgd_value(W[i], dW[i], numbers)


sgd_value_on_device = on_device(sgd_value)


@sgd.implementation("numba-cuda")
def sgd_cuda(W: Array, dW: Array, *, lr: float, out: Arrays | None = None) -> Arrays:
    """Update in one kernel."""
    return update_cuda(sgd_kernel, (W, dW), (lr,), out)


@cuda.jit
def sgd_kernel(W: Array, dW: Array, numbers: Any, new_W: Array) -> None:
    """Write the new values; one thread an element."""
    i = cuda.grid(1)
    if i < W.size:
        (new_W[i],) = sgd_value_on_device(W[i], dW[i], numbers)
