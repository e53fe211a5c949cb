"""The update of RMSprop (Hinton, lecture 6e of Neural Networks for Machine Learning, 2012)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda, njit, on_device
from xpnet_kernels._operation import Sample, operation
from xpnet_kernels._samples import MATRIX_SHAPES, normal
from xpnet_kernels._updates import Arrays, store_all, update_cpu, update_cuda


@operation(layer="RMSprop", same_shape=True)
def rmsprop(
    xp: Any, W: Array, dW: Array, h: Array, *, lr: float, decay: float, eps: float, out: Arrays | None = None
) -> Arrays:
    """Return W - lr dW / (√h + eps) with the new mean square h = decay h + (1 - decay) dW².

    Parameters
    ----------
    W : array, any shape
    dW : array of W's shape
    h : array of W's shape
        Zero at first.
    lr : float
        Learning rate.
    decay : float
        Share of the mean square that is kept.
    eps : float
        Keeps the quotient finite.
    out : tuple of array, optional
        Receive the results; may be the arguments themselves.

    Returns
    -------
    tuple of array of W's shape
        The new W and h.
    """
    h = decay * h + (1 - decay) * dW * dW
    return store_all(out, (W - lr * dW / (xp.sqrt(h) + eps), h))


@rmsprop.samples
def _samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    options = {"lr": 0.01, "decay": 0.99, "eps": 1e-08}
    for shape in MATRIX_SHAPES:
        yield Sample(
            (normal(rng, shape, dtype), normal(rng, shape, dtype), rng.random(shape).astype(dtype)), options
        )


def rmsprop_numbers(lr: float, decay: float, eps: float) -> tuple[float, ...]:
    """Return what the kernels need; 1 - decay is taken in float64, before rounding to the arrays' dtype."""
    return lr, decay, 1 - decay, eps


@njit
def rmsprop_value(w: Any, g: Any, h: Any, numbers: Any) -> Any:
    """Return the new values at one weight; serves the CPU and the CUDA kernel."""
    lr, decay, rest, eps = numbers
    h = decay * h + rest * g * g
    return w - lr * g / (math.sqrt(h) + eps), h


@rmsprop.implementation("numba")
def rmsprop_cpu(W: Array, dW: Array, h: Array, *, out: Arrays | None = None, **options: float) -> Arrays:
    """Update in one pass."""
    return update_cpu(fill_rmsprop, renew_rmsprop, (W, dW, h), rmsprop_numbers(**options), out)


@njit
def fill_rmsprop(W: Array, dW: Array, h: Array, numbers: Any, new_W: Array, new_h: Array) -> None:
    """Write the new values, element by element."""
    for i in range(W.size):
        new_W[i], new_h[i] = rmsprop_value(W[i], dW[i], h[i], numbers)


@njit
def renew_rmsprop(W: Array, dW: Array, h: Array, numbers: Any) -> None:
    """Write the new values over the old ones."""
    for i in range(W.size):
        W[i], h[i] = rmsprop_value(W[i], dW[i], h[i], numbers)


rmsprop_value_on_device = on_device(rmsprop_value)


@rmsprop.implementation("numba-cuda")
def rmsprop_cuda(W: Array, dW: Array, h: Array, *, out: Arrays | None = None, **options: float) -> Arrays:
    """Update in one kernel."""
    return update_cuda(rmsprop_kernel, (W, dW, h), rmsprop_numbers(**options), out)


@cuda.jit
def rmsprop_kernel(W: Array, dW: Array, h: Array, numbers: Any, new_W: Array, new_h: Array) -> None:
    """Write the new values; one thread an element."""
    i = cuda.grid(1)
    if i < W.size:
        new_W[i], new_h[i] = rmsprop_value_on_device(W[i], dW[i], h[i], numbers)
