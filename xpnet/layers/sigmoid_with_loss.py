"""Sigmoid with binary cross-entropy loss (book, volume 2, section 4.2.3)."""

from __future__ import annotations

from typing import Any

from xpnet.layers._base import as_input
from xpnet.layers._loss import LossLayer, check_finite, float_targets
from xpnet_kernels import binary_cross_entropy, sigmoid
from xpnet_kernels._arrays import Array, cast, namespace


class SigmoidWithLoss(LossLayer):
    """The mean of -[t log y + (1 - t) log(1 - y)], y = sigmoid(x), computed from the logits.

    Attributes
    ----------
    t : array, list or number
        The last targets, as they were given.
    y : array of x's shape
        sigmoid(x) of the last logits.
    loss : array (), or a NumPy scalar
    """

    def forward(self, x: Any, t: Any, validate: bool = True) -> Array:
        """Return the mean loss over all elements.

        Parameters
        ----------
        x : array (N,) or (N, ...)
            Logits.
        t : array of x's shape, 0..1
        validate : bool, optional
            Whether to look for bad targets and NaN, which waits for a GPU to finish.

        Raises
        ------
        ValueError
            If the shapes differ, the batch is empty, a target lies outside 0..1, or the logits hold NaN.
        """
        self.x, self.t = as_input(x), t
        targets = float_targets("SigmoidWithLoss", self.x, t)
        if validate:
            _check_range(targets)
        self.loss, self.dx = binary_cross_entropy(self.x, targets)
        if validate:
            check_finite("SigmoidWithLoss", self.loss, self.x)
        return self.loss

    @property
    def y(self) -> Array:
        """sigmoid(x) of the last logits."""
        return sigmoid(self.remembered("x"))

    def checked(self, t: Array, y: Array) -> Array:
        """Return the targets of a data set, all of them in 0..1; see `LossLayer.checked`."""
        _check_range(t)
        return super().checked(t, y)

    def count_right(self, y: Array, t: Array) -> Array:
        """Return for how many samples all logits mean their targets: above 0 for a target above one half.

        Raises
        ------
        ValueError
            If the shapes differ.
        """
        t = float_targets("SigmoidWithLoss", y, t)
        xp = namespace(y)
        right = xp.reshape((y > 0) == (t > 0.5), (y.shape[0], -1))
        return xp.sum(cast(xp.all(right, axis=1), "int64"))


def _check_range(t: Array) -> None:
    if bool(namespace(t).any((t < 0) | (t > 1))):
        raise ValueError("SigmoidWithLoss: t holds values outside 0..1; give 0 and 1, or probabilities.")
