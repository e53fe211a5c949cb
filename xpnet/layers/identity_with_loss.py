"""Identity output with half the mean squared error, for regression (book, volume 1, section 4.2.1)."""

from __future__ import annotations

from typing import Any

from xpnet.layers._base import as_input
from xpnet.layers._loss import LossLayer, check_finite, float_targets
from xpnet_kernels import squared_error
from xpnet_kernels._arrays import Array, reshaped
from xpnet_kernels._scalars import unboxed


class IdentityWithLoss(LossLayer):
    """½ Σ (y - t)² / N.

    Attributes
    ----------
    y : array
        The last output.
    t : array, list or number
        The last targets, as they were given.
    loss : array (), or a NumPy scalar
    """

    def forward(self, x: Any, t: Any, validate: bool = True) -> Array:
        """Return the loss.

        Parameters
        ----------
        x : array (N, ...)
            The net's output; one axis (N,) is N samples of one number, and a number is one sample.
        t : array of x's shape
        validate : bool, optional
            Whether to look for NaN, which waits for a GPU to finish.

        Raises
        ------
        ValueError
            If the shapes differ, the batch is empty, or x or t hold NaN.
        """
        self.y, self.t = as_input(x), t
        targets = float_targets("IdentityWithLoss", self.y, t)
        if self.y.ndim:
            self.loss, self.dx = squared_error(self.y, targets)
        else:
            self.y = unboxed(self.y)
            self.loss, dx = squared_error(reshaped(self.y, (1,)), reshaped(targets, (1,)))
            self.dx = dx[0]
        if validate:
            check_finite("IdentityWithLoss", self.loss, self.y)
        return self.loss
