"""Dropout (Srivastava et al. 2014; book, volume 1, section 6.4.3)."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet import random
from xpnet._numbers import check_share
from xpnet.layers._base import Layer, as_gradient, as_input
from xpnet_kernels._arrays import Array, asarray_like
from xpnet_kernels._scalars import unboxed


class Dropout(Layer):
    """Drops elements at random while training; scales all by 1 - ratio otherwise.

    The mask is drawn on the host from xpnet's generator, so a seed gives the same masks on every backend.

    Parameters
    ----------
    dropout_ratio : float, optional
        Probability of an element to be dropped, 0 <= ratio < 1; another is a ValueError.

    Attributes
    ----------
    mask : array of x's shape and dtype, or float
        1 where the last x passed, 0 where it was dropped; the number 1 - ratio outside training.
    """

    config_names = ("dropout_ratio",)

    def __init__(self, dropout_ratio: float = 0.5) -> None:
        super().__init__()
        check_share("Dropout", dropout_ratio=dropout_ratio)
        self.dropout_ratio = float(dropout_ratio)

    def forward(self, x: Any) -> Array:
        """Return x with dropped elements set to 0 or, outside training, x · (1 - ratio).

        Parameters
        ----------
        x : array of any shape, list or number
        """
        x = as_input(x)
        if self.training:
            kept = random.generator().random(tuple(x.shape), dtype=np.float32) >= self.dropout_ratio
            self.mask = unboxed(asarray_like(kept, like=x, dtype=x.dtype))
        else:
            self.mask = 1.0 - self.dropout_ratio
        self.y = x * self.mask
        return self.y

    def backward(self, dout: Any) -> Array:
        """Return dout · mask.

        Parameters
        ----------
        dout : array of the output's shape, or a number for all elements

        Raises
        ------
        ValueError
            If dout has not the shape of what `forward` returned.
        """
        y = self.remembered("y")
        return as_gradient("Dropout", dout, y.shape, like=y) * self.mask
