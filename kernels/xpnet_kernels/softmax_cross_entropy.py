"""Softmax with cross-entropy loss, and its gradient in the same pass (book, volume 1, section 5.6.3)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from xpnet_kernels import _launch
from xpnet_kernels._arrays import Array, arange, empty
from xpnet_kernels._exp import exp
from xpnet_kernels._jit import cuda, njit, on_device
from xpnet_kernels._operation import Sample, operation
from xpnet_kernels._samples import normal


def check_labels(x: Array, t: Array) -> None:
    """Raise ValueError unless there is a label for each row; kernels would read beyond them."""
    if t.shape != x.shape[:1]:
        raise ValueError(f"SoftmaxWithLoss: x is {tuple(x.shape)} but t is {tuple(t.shape)}; t must be (N,).")


@operation(layer="SoftmaxWithLoss", check=check_labels)
def softmax_cross_entropy(xp: Any, x: Array, t: Array) -> tuple[Array, Array]:
    """Return the mean of -log softmax(x)[t] over the rows, and its gradient (softmax(x) - onehot(t)) / N.

    The loss comes from the logits (log-sum-exp), so it is finite and right at any finite x.

    Parameters
    ----------
    x : array (N, C), float
        Logits; N and C at least 1.
    t : array (N,), integer
        Class indices in 0..C-1. They are not checked here: the layer does that.

    Returns
    -------
    loss : array (), x's dtype
    dx : array (N, C)
    """
    rows = x.shape[0]
    shifted = x - xp.max(x, axis=1, keepdims=True)
    e = xp.exp(shifted)
    total = xp.sum(e, axis=1, keepdims=True)
    hit = xp.reshape(t, (rows, 1)) == xp.reshape(arange(x.shape[1], like=t), (1, x.shape[1]))
    zero, one = xp.zeros_like(x), xp.ones_like(x)
    picked = xp.sum(xp.where(hit, shifted, zero), axis=1, keepdims=True)
    loss = xp.mean(xp.log(total) - picked)
    return loss, (e / total - xp.where(hit, one, zero)) / rows


@softmax_cross_entropy.samples
def _samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    for rows, classes in ((1, 1), (1, 10), (5, 1), (7, 5), (33, 17), (300, 3)):
        labels = rng.integers(0, classes, rows)
        yield Sample((3 * normal(rng, (rows, classes), dtype), labels))
    far = np.array([[1000, -1000, 0], [-1000, -1000, -1000]], dtype=dtype)
    yield Sample((far, np.array([1, 2], dtype=np.uint8)))
    for equal in (-1000, 1e6):  # the loss is log 3
        yield Sample((np.full((4, 3), equal, dtype=dtype), np.array([0, 1, 2, 0])))


@njit
def cross_entropy_row(x: Array, label: int, scale: Any, dx: Array) -> Any:
    """Write the gradient of one row and return its loss; serves the CPU and the CUDA kernel."""
    top = x[0]
    for k in range(1, x.size):
        top = max(top, x[k])
    for k in range(x.size):
        dx[k] = x[k] - top
    # Read from memory: in one expression the compiler would add `top` to the logarithm, and lose its digits.
    picked, total = dx[label], x.dtype.type(0)
    for k in range(x.size):
        dx[k] = exp(dx[k])
        total += dx[k]
    for k in range(x.size):
        dx[k] *= scale / total
    dx[label] -= scale
    return math.log(total) - picked


@softmax_cross_entropy.implementation("numba")
def softmax_cross_entropy_cpu(x: Array, t: Array) -> tuple[Array, Array]:
    """Fill loss and gradient row by row."""
    dx = np.empty(x.shape, dtype=x.dtype)
    return x.dtype.type(mean_cross_entropy(x, t, x.dtype.type(1 / x.shape[0]), dx)), dx


@njit
def mean_cross_entropy(x: Array, t: Array, scale: Any, dx: Array) -> Any:
    """Write the gradient of every row and return the mean loss, summed in float64."""
    total = 0.0
    for i in range(x.shape[0]):
        total += cross_entropy_row(x[i], t[i], scale, dx[i])
    return total / x.shape[0]


@softmax_cross_entropy.implementation("numba-cuda")
def softmax_cross_entropy_cuda(x: Array, t: Array) -> tuple[Array, Array]:
    """Give each row to one thread, then average the losses on the device."""
    dx, losses = empty(x.shape, like=x), empty((x.shape[0],), like=x)
    _launch.launch_over(x.shape[0], cross_entropy_kernel, x, t, x.dtype.type(1 / x.shape[0]), dx, losses)
    return losses.mean(), dx


cross_entropy_row_on_device = on_device(cross_entropy_row, exp=math.exp)


@cuda.jit
def cross_entropy_kernel(x: Array, t: Array, scale: Any, dx: Array, losses: Array) -> None:
    """Write gradient and loss of one row per thread."""
    i = cuda.grid(1)
    if i < x.shape[0]:
        losses[i] = cross_entropy_row_on_device(x[i], t[i], scale, dx[i])
