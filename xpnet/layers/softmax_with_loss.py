"""Softmax with cross-entropy loss (book, volume 1, section 5.6.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xpnet.layers._base import as_input
from xpnet.layers._labels import class_indices
from xpnet.layers._loss import LossLayer, check_finite
from xpnet_kernels import softmax, softmax_cross_entropy
from xpnet_kernels._arrays import Array, cast, namespace, reshaped

if TYPE_CHECKING:
    from xpnet._backends import Backend


class SoftmaxWithLoss(LossLayer):
    """The mean over the batch of -log softmax(x)[t], computed from the logits.

    Attributes
    ----------
    t : array, list or integer
        The last labels, as they were given.
    y : array of x's shape
        softmax(x) of the last logits.
    loss : array (), or a NumPy scalar
    """

    takes_classes = True

    def forward(self, x: Any, t: Any, validate: bool = True) -> Array:
        """Return the mean loss.

        Parameters
        ----------
        x : array (N, C), or (C,) for a single sample
            Logits.
        t : array (N,) of class indices, one-hot array (N, C), or an integer for a single sample
        validate : bool, optional
            Whether to look for bad labels and NaN, which waits for a GPU to finish.

        Returns
        -------
        array (), or a NumPy scalar

        Raises
        ------
        ValueError
            If the batch is empty, t has a wrong length, a label lies outside 0..C-1, a row is not one-hot,
            or the logits hold NaN; says which.
        """
        x = as_input(x)
        if x.ndim not in (1, 2):
            raise ValueError(f"SoftmaxWithLoss: x is {tuple(x.shape)}; it must be (N, C) or (C,).")
        logits = x if x.ndim == 2 else reshaped(x, (1, x.shape[0]))
        labels = class_indices("SoftmaxWithLoss", t, tuple(logits.shape), logits, validate)
        self.x, self.t = x, t
        self.loss, dx = softmax_cross_entropy(logits, labels)
        if validate:
            check_finite("SoftmaxWithLoss", self.loss, logits)
        self.dx = dx if x.ndim == 2 else dx[0, :]
        return self.loss

    @property
    def y(self) -> Array:
        """softmax(x) of the last logits."""
        return softmax(self.remembered("x"))

    def to_device(self, t: Any, backend: Backend, dtype: Any) -> Array:
        """Return labels on a net's device, in their own dtype."""
        return backend.asarray(t)

    def checked(self, t: Array, y: Array) -> Array:
        """Return the labels of a data set as class indices, a copy; see `LossLayer.checked`."""
        if y.ndim != 2:
            raise ValueError(f"SoftmaxWithLoss: the net's output is {tuple(y.shape)}; it must be (N, C).")
        labels = class_indices("SoftmaxWithLoss", t, (t.shape[0], y.shape[1]), like=y)
        return namespace(labels).asarray(labels, copy=True)  # nobody changes those that were looked at

    def count_right(self, y: Array, t: Array) -> Array:
        """Return for how many rows of logits the largest is the label's."""
        xp = namespace(y)
        y = y if y.ndim == 2 else xp.reshape(y, (1, y.shape[0]))
        labels = class_indices("SoftmaxWithLoss", t, tuple(y.shape), like=y)
        return xp.sum(cast(xp.argmax(y, axis=1) == labels, "int64"))
