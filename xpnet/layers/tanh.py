"""The hyperbolic tangent (book, volume 2, section 5.3)."""

from __future__ import annotations

from typing import Any

from xpnet.layers._base import Layer, as_gradient, as_input
from xpnet_kernels import tanh, tanh_backward
from xpnet_kernels._arrays import Array


class Tanh(Layer):
    """tanh(x), element by element."""

    def forward(self, x: Any) -> Array:
        """Return tanh(x).

        Parameters
        ----------
        x : array of any shape, list or number
        """
        self.y = tanh(as_input(x))
        return self.y

    def backward(self, dout: Any) -> Array:
        """Return dout · (1 - y²).

        Parameters
        ----------
        dout : array of the output's shape, or a number for all elements

        Raises
        ------
        ValueError
            If dout is an array of another shape.
        """
        y = self.remembered("y")
        return tanh_backward(as_gradient("Tanh", dout, y.shape, like=y), y)
