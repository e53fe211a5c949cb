"""The matrix product layer (book, volume 2, section 1.3.5)."""

from __future__ import annotations

from typing import Any

from xpnet.layers._base import Layer, as_gradient, as_input
from xpnet.parameter import DataOf, GradientOf
from xpnet_kernels import matmul
from xpnet_kernels._arrays import Array


class MatMul(Layer):
    """x W.

    Parameters
    ----------
    W : array (D, H)

    Attributes
    ----------
    W, dW : array
        The parameter and, after `backward`, its gradient.

    Raises
    ------
    ValueError
        If W is not (D, H).
    """

    W, dW = DataOf("W"), GradientOf("W")

    def __init__(self, W: Any) -> None:
        super().__init__(W=W)
        if self.W.ndim != 2:
            raise ValueError(f"MatMul: W is {tuple(self.W.shape)}; it must be (D, H).")

    def forward(self, x: Any) -> Array:
        """Return x W.

        Parameters
        ----------
        x : array (N, D)
            Integers take W's dtype.

        Returns
        -------
        array (N, H)

        Raises
        ------
        ValueError
            If x is not (N, D).
        """
        x = as_input(x, like=self.W)
        if x.ndim != 2 or x.shape[1] != self.W.shape[0]:
            raise ValueError(
                f"MatMul: x is {tuple(x.shape)} but W is {tuple(self.W.shape)}; "
                "x must be (N, D) with D equal to W.shape[0]."
            )
        self.x = x
        return matmul(x, self.W)

    def backward(self, dout: Any) -> Array:
        """Return dout Wᵀ; leave xᵀ dout in `dW`.

        Parameters
        ----------
        dout : array (N, H), or a number for all elements

        Raises
        ------
        ValueError
            If dout has not the shape of what `forward` returned.
        """
        x = self.remembered("x")
        dout = as_gradient("MatMul", dout, (x.shape[0], self.W.shape[1]), like=self.W)
        self.dW = matmul(x.T, dout)
        return matmul(dout, self.W.T)
