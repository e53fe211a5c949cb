"""The logistic sigmoid (book, volume 1, section 5.5.2)."""

from __future__ import annotations

from typing import Any

from xpnet.layers._base import Layer, as_gradient, as_input
from xpnet_kernels import sigmoid, sigmoid_backward
from xpnet_kernels._arrays import Array


class Sigmoid(Layer):
    """1 / (1 + exp(-x)), element by element."""

    def forward(self, x: Any) -> Array:
        """Return 1 / (1 + exp(-x)), without overflow at any x.

        Parameters
        ----------
        x : array of any shape, list or number
        """
        self.y = sigmoid(as_input(x))
        return self.y

    def backward(self, dout: Any) -> Array:
        """Return dout · y · (1 - y).

        Parameters
        ----------
        dout : array of the output's shape, or a number for all elements

        Raises
        ------
        ValueError
            If dout is an array of another shape.
        """
        y = self.remembered("y")
        return sigmoid_backward(as_gradient("Sigmoid", dout, y.shape, like=y), y)
