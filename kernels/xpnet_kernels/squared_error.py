"""Half the mean squared error, for regression (book, volume 1, section 4.2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._operation import Sample, operation
from xpnet_kernels._samples import normal


@operation(layer="IdentityWithLoss", same_shape=True)
def squared_error(xp: Any, y: Array, t: Array) -> tuple[Array, Array]:
    """Return ½ Σ (y - t)² / N and its gradient (y - t) / N.

    Parameters
    ----------
    y : array (N, ...), float
    t : array of y's shape and dtype

    Returns
    -------
    loss : array (), y's dtype
    dy : array of y's shape
    """
    dy = (y - t) / y.shape[0]
    return 0.5 * xp.sum((y - t) * dy), dy


@squared_error.samples
def _samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    for shape in ((1, 1), (5, 1), (7, 5), (3, 2, 4)):
        yield Sample((normal(rng, shape, dtype), normal(rng, shape, dtype)))
