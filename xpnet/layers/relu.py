"""ReLU (book, volume 1, section 5.5.1)."""

from __future__ import annotations

from typing import Any

from xpnet.layers._base import Layer, as_input
from xpnet_kernels import relu, relu_backward
from xpnet_kernels._arrays import Array


class Relu(Layer):
    """max(x, 0), element by element.

    Attributes
    ----------
    mask : array of x's shape, bool
        Where the last x was positive.
    """

    def forward(self, x: Any) -> Array:
        """Return x where x > 0 and 0 elsewhere; NaN stays NaN.

        Parameters
        ----------
        x : array of any shape, list or number
        """
        y, self.mask = relu(as_input(x))
        return y

    def backward(self, dout: Array) -> Array:
        """Return dout where x was positive and 0 elsewhere."""
        return relu_backward(as_input(dout), self.remembered("mask"))
