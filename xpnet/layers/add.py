"""The addition node of a computational graph (book, volume 1, section 5.4.2)."""

from __future__ import annotations

from typing import Any

from xpnet.layers._base import Layer
from xpnet.layers._broadcast import check_pair, sum_to_shape_of


class AddLayer(Layer):
    """x + y of two numbers or arrays; arrays may broadcast."""

    def forward(self, x: Any, y: Any) -> Any:
        """Return x + y.

        Parameters
        ----------
        x, y : number or array

        Raises
        ------
        DeviceMismatchError
            If x and y are arrays of two families.
        """
        check_pair("AddLayer", x, y)
        self.x, self.y = x, y
        return x + y

    def backward(self, dout: Any) -> tuple[Any, Any]:
        """Return dout, dout, each summed to its input's shape."""
        x, y = self.remembered("x"), self.remembered("y")
        return sum_to_shape_of(x, dout), sum_to_shape_of(y, dout)
