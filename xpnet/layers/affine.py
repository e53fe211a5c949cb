"""The affine (fully connected) layer (book, volume 1, section 5.6)."""

from __future__ import annotations

import math
from typing import Any

from xpnet.layers._base import Layer, as_gradient, as_input
from xpnet.parameter import DataOf, GradientOf
from xpnet_kernels import affine, affine_backward
from xpnet_kernels._arrays import Array, reshaped, shape_of


class Affine(Layer):
    """x W + b.

    Parameters
    ----------
    W : array (D, H)
    b : array (H,)

    Attributes
    ----------
    W, b : array
        The parameters; assigning to them copies the values into the cell that net and optimizer share.
    dW, db : array
        Their gradients, after `backward`.

    Raises
    ------
    ValueError
        If W is not (D, H), or b is not (H,).
    """

    W, b = DataOf("W"), DataOf("b")
    dW, db = GradientOf("W"), GradientOf("b")

    def __init__(self, W: Any, b: Any) -> None:
        super().__init__(W=W, b=b)
        if self.W.ndim != 2 or tuple(self.b.shape) != (self.W.shape[1],):
            raise ValueError(
                f"Affine: W is {tuple(self.W.shape)} and b is {tuple(self.b.shape)}; "
                "W must be (D, H) and b must be (H,)."
            )

    def forward(self, x: Any) -> Array:
        """Return x W + b.

        Parameters
        ----------
        x : array (N, D), (D,) or (N, ...) with D elements after the first axis
            Integers take W's dtype.

        Returns
        -------
        array (N, H), or (H,) for a single sample (D,)

        Raises
        ------
        ValueError
            If x does not have D features.
        """
        return self.unflatten(affine(self.flatten(x), self.W, self.b))

    def backward(self, dout: Any) -> Array:
        """Return dout Wᵀ in x's own shape; leave xᵀ dout in `dW` and the sum of dout's rows in `db`.

        Parameters
        ----------
        dout : array of the output's shape, or a number for all elements
            A single sample may have an axis for it or not: (H,) or (1, H).

        Raises
        ------
        ValueError
            If dout has not the shape of what `forward` returned.
        """
        return reshaped(self._backward(dout, want_dx=True), self.input_shape)

    def backward_to_parameters(self, dout: Any) -> None:
        """Leave the gradients in `dW` and `db` only."""
        self._backward(dout, want_dx=False)

    def _backward(self, dout: Any, want_dx: bool) -> Array:
        x, W = self.remembered("x"), self.W
        dx, self.dW, self.db = affine_backward(self.rows_of(dout), x, W, want_dx=want_dx)
        return dx

    def rows_of(self, dout: Any) -> Array:
        """Return dL/d(output) as (N, H), for a single sample too."""
        W, rows = self.W, (self.remembered("x").shape[0], self.b.shape[0])
        y: tuple[int, ...] = rows[1:] if len(self.input_shape) <= 1 else rows
        if rows[0] == 1 and shape_of(dout) in (rows, rows[1:]):
            y = shape_of(dout)  # one sample may have an axis for it or not
        dout = as_gradient("Affine", dout, y, like=W)
        return dout if y is rows else reshaped(dout, rows)

    def flatten(self, x: Any) -> Array:
        """Return x as (N, D), and remember it and its own shape."""
        W = self.W
        x = as_input(x, like=W)
        self.input_shape = tuple(x.shape)
        single = x.ndim <= 1
        rows = 1 if single else x.shape[0]
        features = math.prod(self.input_shape if single else self.input_shape[1:])
        if features != W.shape[0]:
            one = " One sample? Give x.reshape(-1)." if not single and x.size == W.shape[0] else ""
            raise ValueError(
                f"Affine: x has {features} features but W is {tuple(W.shape)}; "
                f"{'x.size' if single else 'x.shape[1]'} must equal W.shape[0].{one}"
            )
        self.x = reshaped(x, (rows, features))
        return self.x

    def unflatten(self, y: Array) -> Array:
        """Return y as (H,) if the input was a single sample, as it is otherwise."""
        return y[0, :] if len(self.input_shape) <= 1 else y
