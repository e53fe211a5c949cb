"""The logistic sigmoid (book, volume 1, section 5.5.2)."""

from __future__ import annotations

from typing import Any

from xpnet.layers._base import Layer, as_input
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

    def backward(self, dout: Array) -> Array:
        """Return dout · y · (1 - y)."""
        return sigmoid_backward(as_input(dout), self.remembered("y"))
