"""ReLU (book, volume 1, section 5.5.1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.layers._base import Layer, as_gradient, as_input
from xpnet_kernels import relu, relu_backward
from xpnet_kernels._arrays import Array


class Relu(Layer):
    """max(x, 0), element by element.

    Attributes
    ----------
    mask : array of x's shape, bool
        Where the last x was positive.
    """

    dtype: Any = np.float64
    """Of the last x; of a gradient given as a number while there was none."""

    def forward(self, x: Any) -> Array:
        """Return x where x > 0 and 0 elsewhere; NaN stays NaN.

        Parameters
        ----------
        x : array of any shape, list or number
        """
        x = as_input(x)
        self.dtype = x.dtype
        y, self.mask = relu(x)
        return y

    def backward(self, dout: Any) -> Array:
        """Return dout where x was positive and 0 elsewhere.

        Parameters
        ----------
        dout : array of the output's shape, or a number for all elements

        Raises
        ------
        ValueError
            If dout is an array of another shape.
        """
        mask = self.remembered("mask")
        return relu_backward(as_gradient("Relu", dout, mask.shape, mask, self.dtype), mask)
