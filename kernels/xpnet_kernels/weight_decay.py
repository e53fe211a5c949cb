"""The penalty ½ λ Σ W² on large weights, and its part of the gradient (book, volume 1, section 6.4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from xpnet_kernels import _launch
from xpnet_kernels._arrays import Array, empty
from xpnet_kernels._jit import cuda, njit, on_device
from xpnet_kernels._operation import Sample, operation
from xpnet_kernels._samples import MATRIX_SHAPES, normal
from xpnet_kernels._sums import sum_of_squares


@operation(layer="weight decay")
def weight_penalty(xp: Any, W: Array, *, weight_decay: float) -> Array:
    """Return ½ λ Σ W².

    Parameters
    ----------
    W : array, any shape, float
    weight_decay : float
        λ.

    Returns
    -------
    array (), W's dtype
    """
    return 0.5 * weight_decay * xp.sum(W * W)


@operation(layer="weight decay", same_shape=True)
def weight_penalty_backward(xp: Any, dW: Array, W: Array, *, weight_decay: float) -> Array:
    """Return dW + λ W, the gradient of a loss and of the penalty together.

    Parameters
    ----------
    dW : array, any shape, float
        Gradient of the loss.
    W : array of dW's shape
    weight_decay : float
        λ.

    Returns
    -------
    array of dW's shape
    """
    return dW + weight_decay * W


@weight_penalty.samples
def _penalty_samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    for shape in MATRIX_SHAPES:
        yield Sample((normal(rng, shape, dtype),), {"weight_decay": 0.1})


@weight_penalty_backward.samples
def _backward_samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    for shape in MATRIX_SHAPES:
        yield Sample((normal(rng, shape, dtype), normal(rng, shape, dtype)), {"weight_decay": 0.1})


@weight_penalty.implementation("numba")
def weight_penalty_cpu(W: Array, *, weight_decay: float) -> Array:
    """Add up the squares in one pass, without an array of them."""
    return W.dtype.type(0.5 * weight_decay * sum_of_squares(W.reshape(-1)))


@weight_penalty_backward.implementation("numba")
def weight_penalty_backward_cpu(dW: Array, W: Array, *, weight_decay: float) -> Array:
    """Add in one pass."""
    sums = np.empty(dW.shape, dtype=dW.dtype)
    fill_decayed(dW.reshape(-1), W.reshape(-1), dW.dtype.type(weight_decay), sums.reshape(-1))
    return sums


@njit
def decayed(g: Any, w: Any, weight_decay: Any) -> Any:
    """Return g + λ w; serves the CPU and the CUDA kernel."""
    return g + weight_decay * w


@njit
def fill_decayed(dW: Array, W: Array, weight_decay: Any, sums: Array) -> None:
    """Write dW + λ W, element by element."""
    for i in range(dW.size):
        sums[i] = decayed(dW[i], W[i], weight_decay)


decayed_on_device = on_device(decayed)


@weight_penalty_backward.implementation("numba-cuda")
def weight_penalty_backward_cuda(dW: Array, W: Array, *, weight_decay: float) -> Array:
    """Add in one kernel."""
    sums, factor = empty(dW.shape, like=dW), dW.dtype.type(weight_decay)
    _launch.launch_over(dW.size, decayed_kernel, dW.reshape(-1), W.reshape(-1), factor, sums.reshape(-1))
    return sums


@cuda.jit
def decayed_kernel(dW: Array, W: Array, weight_decay: Any, sums: Array) -> None:
    """Write dW + λ W; one thread an element."""
    i = cuda.grid(1)
    if i < dW.size:
        sums[i] = decayed_on_device(dW[i], W[i], weight_decay)
