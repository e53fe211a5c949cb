"""Softmax over the last axis (book, volume 1, section 3.5)."""

from __future__ import annotations

from typing import Any

from xpnet.layers._base import Layer, as_gradient, as_input
from xpnet_kernels import softmax, softmax_backward
from xpnet_kernels._arrays import Array


class Softmax(Layer):
    """exp(a_k) / Σ_i exp(a_i) over the last axis; each row has its own maximum subtracted."""

    def forward(self, x: Any) -> Array:
        """Return the softmax of the last axis.

        Parameters
        ----------
        x : array (..., C) or list

        Raises
        ------
        ValueError
            If x is a number.
        """
        x = as_input(x)
        if x.ndim == 0:
            raise ValueError("Softmax: x is a number; it must have an axis of classes, (C,) or (..., C)")
        self.y = softmax(x)
        return self.y

    def backward(self, dout: Any) -> Array:
        """Return y · (dout - Σ dout · y).

        Parameters
        ----------
        dout : array of the output's shape, or a number for all elements

        Raises
        ------
        ValueError
            If dout is an array of another shape.
        """
        y = self.remembered("y")
        return softmax_backward(as_gradient("Softmax", dout, y.shape, like=y), y)
