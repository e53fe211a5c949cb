"""Sigmoid with binary cross-entropy loss, from the logits (book, volume 2, section 4.2.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._operation import Sample, operation
from xpnet_kernels._samples import normal
from xpnet_kernels.sigmoid import sigmoid


@operation(layer="SigmoidWithLoss", same_shape=True)
def binary_cross_entropy(xp: Any, x: Array, t: Array) -> tuple[Array, Array]:
    """Return the mean of -[t log y + (1 - t) log(1 - y)], y = sigmoid(x), and its gradient (y - t) / N.

    Computed as max(x, 0) - x t + log(1 + exp(-|x|)), which is finite and right at any finite x.

    Parameters
    ----------
    x : array, any shape, float
        Logits; N is the number of its elements.
    t : array of x's shape and dtype
        Targets in 0..1.

    Returns
    -------
    loss : array (), x's dtype
    dx : array of x's shape
    """
    count = 1
    for side in x.shape:
        count *= side
    positive = xp.where(x > 0, x, xp.zeros_like(x))
    loss = xp.sum(positive - x * t + xp.log1p(xp.exp(-xp.abs(x)))) / count
    return loss, (sigmoid.reference(xp, x) - t) / count


@binary_cross_entropy.samples
def _samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    for shape in ((1,), (5, 1), (7, 5)):
        yield Sample((3 * normal(rng, shape, dtype), rng.integers(0, 2, shape).astype(dtype)))
    far = np.array([1000, -1000, 1000, -1000], dtype=dtype)
    yield Sample((far, np.array([1, 0, 0, 1], dtype=dtype)))
