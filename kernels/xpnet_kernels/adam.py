"""The update of Adam (Kingma and Ba 2015, algorithm 1; book, volume 1, section 6.1.6)."""

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


@operation(layer="Adam", same_shape=True)
def adam(
    xp: Any,
    W: Array,
    dW: Array,
    m: Array,
    v: Array,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    unbias1: float,
    unbias2: float,
    out: Arrays | None = None,
) -> Arrays:
    """Return W - lr m̂ / (√v̂ + eps) with the new moments m and v.

    Parameters
    ----------
    W : array, any shape
    dW : array of W's shape
    m : array of W's shape
        First moment, zero at first.
    v : array of W's shape
        Second moment, zero at first.
    lr : float
        Learning rate.
    beta1 : float
        Share of the first moment that is kept.
    beta2 : float
        Share of the second moment that is kept.
    eps : float
        Keeps the quotient finite.
    unbias1 : float
        1 / (1 - beta1ᵗ) at step t: m̂ = unbias1 m.
    unbias2 : float
        1 / (1 - beta2ᵗ) at step t: v̂ = unbias2 v.
    out : tuple of array, optional
        Receive the results; may be the arguments themselves.

    Returns
    -------
    tuple of array of W's shape
        The new W, m and v.
    """
    m = beta1 * m + (1 - beta1) * dW
    v = beta2 * v + (1 - beta2) * dW * dW
    step = unbias1 * m / (xp.sqrt(unbias2 * v) + eps)
    return store_all(out, (W - lr * step, m, v))


@adam.samples
def _samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    options = {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-08, "unbias1": 10.0, "unbias2": 1000.0}
    for shape in MATRIX_SHAPES:
        yield Sample(
            (
                normal(rng, shape, dtype),
                normal(rng, shape, dtype),
                normal(rng, shape, dtype),
                rng.random(shape).astype(dtype),
            ),
            options,
        )


def adam_numbers(
    lr: float, beta1: float, beta2: float, eps: float, unbias1: float, unbias2: float
) -> tuple[float, ...]:
    """Return what the kernels need; 1 - beta is taken in float64, before rounding to the arrays' dtype."""
    return lr, beta1, 1 - beta1, beta2, 1 - beta2, eps, unbias1, unbias2


@njit
def adam_value(w: Any, g: Any, m: Any, v: Any, numbers: Any) -> Any:
    """Return the new values at one weight; serves the CPU and the CUDA kernel."""
    lr, beta1, rest1, beta2, rest2, eps, unbias1, unbias2 = numbers
    m = beta1 * m + rest1 * g
    v = beta2 * v + rest2 * g * g
    return w - lr * unbias1 * m / (math.sqrt(unbias2 * v) + eps), m, v


@adam.implementation("numba")
def adam_cpu(
    W: Array, dW: Array, m: Array, v: Array, *, out: Arrays | None = None, **options: float
) -> Arrays:
    """Update in one pass."""
    return update_cpu(fill_adam, renew_adam, (W, dW, m, v), adam_numbers(**options), out)


@njit
def fill_adam(
    W: Array, dW: Array, m: Array, v: Array, numbers: Any, new_W: Array, new_m: Array, new_v: Array
) -> None:
    """Write the new values, element by element."""
    for i in range(W.size):
        new_W[i], new_m[i], new_v[i] = adam_value(W[i], dW[i], m[i], v[i], numbers)


@njit
def renew_adam(W: Array, dW: Array, m: Array, v: Array, numbers: Any) -> None:
    """Write the new values over the old ones."""
    for i in range(W.size):
        W[i], m[i], v[i] = adam_value(W[i], dW[i], m[i], v[i], numbers)


adam_value_on_device = on_device(adam_value)


@adam.implementation("numba-cuda")
def adam_cuda(
    W: Array, dW: Array, m: Array, v: Array, *, out: Arrays | None = None, **options: float
) -> Arrays:
    """Update in one kernel."""
    return update_cuda(adam_kernel, (W, dW, m, v), adam_numbers(**options), out)


@cuda.jit
def adam_kernel(
    W: Array, dW: Array, m: Array, v: Array, numbers: Any, new_W: Array, new_m: Array, new_v: Array
) -> None:
    """Write the new values; one thread an element."""
    i = cuda.grid(1)
    if i < W.size:
        new_W[i], new_m[i], new_v[i] = adam_value_on_device(W[i], dW[i], m[i], v[i], numbers)
