"""The division node of a computational graph."""

from __future__ import annotations

from typing import Any

from xpnet.layers._base import Layer
from xpnet.layers._broadcast import check_pair, sum_to_shape_of


class DivLayer(Layer):
    """x / y of two numbers or arrays; arrays may broadcast."""

    def forward(self, x: Any, y: Any) -> Any:
        """Return x / y.

        Parameters
        ----------
        x, y : number or array

        Raises
        ------
        ZeroDivisionError
            If y is the Python number 0; arrays divide as their library does.
        DeviceMismatchError
            If x and y are arrays of two families.
        """
        check_pair("DivLayer", x, y)
        self.x, self.y = x, y
        return x / y

    def backward(self, dout: Any) -> tuple[Any, Any]:
        """Return dout / y, -dout * x / y², each summed to its input's shape."""
        x, y = self.remembered("x"), self.remembered("y")
        return sum_to_shape_of(x, dout / y), sum_to_shape_of(y, -dout * x / y**2)
