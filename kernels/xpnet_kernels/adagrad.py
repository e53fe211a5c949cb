"""The update of AdaGrad (Duchi et al. 2011; book, volume 1, section 6.1.5)."""

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


@operation(layer="AdaGrad", same_shape=True)
def adagrad(
    xp: Any, W: Array, dW: Array, h: Array, *, lr: float, eps: float, out: Arrays | None = None
) -> Arrays:
    """Return W - lr dW / (√h + eps) with the new sum of squares h = h + dW².

    Parameters
    ----------
    W : array, any shape
    dW : array of W's shape
    h : array of W's shape
        Zero at first.
    lr : float
        Learning rate.
    eps : float
        Keeps the quotient finite.
    out : tuple of array, optional
        Receive the results; may be the arguments themselves.

    Returns
    -------
    tuple of array of W's shape
        The new W and h.
    """
    h = h + dW * dW
    return store_all(out, (W - lr * dW / (xp.sqrt(h) + eps), h))


@adagrad.samples
def _samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    options = {"lr": 0.1, "eps": 1e-10}
    for shape in MATRIX_SHAPES:
        yield Sample(
            (normal(rng, shape, dtype), normal(rng, shape, dtype), rng.random(shape).astype(dtype)), options
        )


@njit
def adagrad_value(w: Any, g: Any, h: Any, numbers: Any) -> Any:
    """Return the new values at one weight; serves the CPU and the CUDA kernel."""
    lr, eps = numbers
    h = h + g * g
    return w - lr * g / (math.sqrt(h) + eps), h


@adagrad.implementation("numba")
def adagrad_cpu(W: Array, dW: Array, h: Array, *, lr: float, eps: float, out: Arrays | None = None) -> Arrays:
    """Update in one pass."""
    return update_cpu(fill_adagrad, renew_adagrad, (W, dW, h), (lr, eps), out)


@njit
def fill_adagrad(W: Array, dW: Array, h: Array, numbers: Any, new_W: Array, new_h: Array) -> None:
    """Write the new values, element by element."""
    for i in range(W.size):
        new_W[i], new_h[i] = adagrad_value(W[i], dW[i], h[i], numbers)


@njit
def renew_adagrad(W: Array, dW: Array, h: Array, numbers: Any) -> None:
    """Write the new values over the old ones."""
    for i in range(W.size):
        W[i], h[i] = adagrad_value(W[i], dW[i], h[i], numbers)


adagrad_value_on_device = on_device(adagrad_value)


@adagrad.implementation("numba-cuda")
def adagrad_cuda(
    W: Array, dW: Array, h: Array, *, lr: float, eps: float, out: Arrays | None = None
) -> Arrays:
    """Update in one kernel."""
    return update_cuda(adagrad_kernel, (W, dW, h), (lr, eps), out)


@cuda.jit
def adagrad_kernel(W: Array, dW: Array, h: Array, numbers: Any, new_W: Array, new_h: Array) -> None:
    """Write the new values; one thread an element."""
    i = cuda.grid(1)
    if i < W.size:
        new_W[i], new_h[i] = adagrad_value_on_device(W[i], dW[i], h[i], numbers)
