"""The multiplication node of a computational graph (book, volume 1, section 5.4.1)."""

from __future__ import annotations

from typing import Any

from xpnet.layers._base import Layer
from xpnet.layers._broadcast import check_pair, gradient_of_node, sum_to_shape_of


class MulLayer(Layer):
    """x * y of two numbers or arrays; arrays may broadcast."""

    def forward(self, x: Any, y: Any) -> Any:
        """Return x * y.

        Parameters
        ----------
        x, y : number or array

        Raises
        ------
        DeviceMismatchError
            If x and y are arrays of two families.
        """
        check_pair("MulLayer", x, y)
        self.x, self.y = x, y
        self.out = x * y
        return self.out

    def backward(self, dout: Any) -> tuple[Any, Any]:
        """Return dout * y, dout * x, each summed to its input's shape.

        Parameters
        ----------
        dout : array of the output's shape, or a number for all elements

        Raises
        ------
        ValueError
            If dout is an array of another shape.
        """
        x, y = self.remembered("x"), self.remembered("y")
        dout = gradient_of_node("MulLayer", dout, self.remembered("out"))
        return sum_to_shape_of(x, dout * y), sum_to_shape_of(y, dout * x)
