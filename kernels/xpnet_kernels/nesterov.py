"""The update of Nesterov's accelerated gradient (Bengio et al. 2013, equations 6 and 7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda, njit, on_device
from xpnet_kernels._operation import Sample, operation
from xpnet_kernels._samples import MATRIX_SHAPES, normal
from xpnet_kernels._updates import Arrays, store_all, update_cpu, update_cuda


@operation(layer="Nesterov", same_shape=True)
def nesterov(
    xp: Any, W: Array, dW: Array, v: Array, *, lr: float, momentum: float, out: Arrays | None = None
) -> Arrays:
    """Return W + momentum v - lr dW with the new velocity v = momentum v - lr dW.

    Parameters
    ----------
    W : array, any shape
    dW : array of W's shape
    v : array of W's shape
        Velocity, zero at first.
    lr : float
        Learning rate.
    momentum : float
        Share of the velocity that is kept.
    out : tuple of array, optional
        Receive the results; may be the arguments themselves.

    Returns
    -------
    tuple of array of W's shape
        The new W and v.
    """
    v = momentum * v - lr * dW
    return store_all(out, (W + momentum * v - lr * dW, v))


@nesterov.samples
def _samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    options = {"lr": 0.1, "momentum": 0.9}
    for shape in MATRIX_SHAPES:
        yield Sample(
            (normal(rng, shape, dtype), normal(rng, shape, dtype), normal(rng, shape, dtype)), options
        )


@njit
def nesterov_value(w: Any, g: Any, v: Any, numbers: Any) -> Any:
    """Return the new values at one weight; serves the CPU and the CUDA kernel."""
    lr, momentum = numbers
    v = momentum * v - lr * g
    return w + momentum * v - lr * g, v


@nesterov.implementation("numba")
def nesterov_cpu(
    W: Array, dW: Array, v: Array, *, lr: float, momentum: float, out: Arrays | None = None
) -> Arrays:
    """Update in one pass."""
    return update_cpu(fill_nesterov, renew_nesterov, (W, dW, v), (lr, momentum), out)


@njit
def fill_nesterov(W: Array, dW: Array, v: Array, numbers: Any, new_W: Array, new_v: Array) -> None:
    """Write the new values, element by element."""
    for i in range(W.size):
        new_W[i], new_v[i] = nesterov_value(W[i], dW[i], v[i], numbers)


@njit
def renew_nesterov(W: Array, dW: Array, v: Array, numbers: Any) -> None:
    """Write the new values over the old ones."""
    for i in range(W.size):
        W[i], v[i] = nesterov_value(W[i], dW[i], v[i], numbers)


nesterov_value_on_device = on_device(nesterov_value)


@nesterov.implementation("numba-cuda")
def nesterov_cuda(
    W: Array, dW: Array, v: Array, *, lr: float, momentum: float, out: Arrays | None = None
) -> Arrays:
    """Update in one kernel."""
    return update_cuda(nesterov_kernel, (W, dW, v), (lr, momentum), out)


@cuda.jit
def nesterov_kernel(W: Array, dW: Array, v: Array, numbers: Any, new_W: Array, new_v: Array) -> None:
    """Write the new values; one thread an element."""
    i = cuda.grid(1)
    if i < W.size:
        new_W[i], new_v[i] = nesterov_value_on_device(W[i], dW[i], v[i], numbers)
