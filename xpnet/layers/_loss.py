"""What every loss layer is: the last layer of a net, which compares with a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from xpnet._backends import to_numpy
from xpnet.layers._base import Layer, as_gradient
from xpnet_kernels._arrays import Array, asarray_like, is_array, namespace
from xpnet_kernels._plain import plain

if TYPE_CHECKING:
    from xpnet._backends import Backend


class LossLayer(Layer):
    """Base of the loss layers: `forward(x, t)` returns the loss, `backward(dout)` the gradient of x.

    Attributes
    ----------
    loss : array (), or a NumPy scalar
        The last loss; it stays on its device until somebody reads it.
    """

    takes_classes: ClassVar[bool] = False
    """Whether targets are class indices; numbers to be learned otherwise."""

    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: Any, t: Any, validate: bool = True) -> Array:
        """Return the loss of x against the target t."""
        layer = type(self).__name__
        raise NotImplementedError(
            f"{layer} has no forward; define {layer}.forward(self, x, t, validate=True); it returns the loss"
        )

    def backward(self, dout: Any = 1) -> Array:
        """Return dL/dx, given dL/d(loss), which is a number or an array without axes.

        Raises
        ------
        ValueError
            If dout has axes.
        """
        dx = self.remembered("dx")
        if isinstance(dout, int | float) and dout == 1:
            return dx
        return dx * as_gradient(type(self).__name__, dout, (), like=dx, names="dout, the loss")

    def to_device(self, t: Any, backend: Backend, dtype: Any) -> Array:
        """Return the targets on a net's device, in its dtype."""
        return backend.asarray(t, dtype)

    def checked(self, t: Array, y: Array) -> Array:
        """Return all targets of a data set as `forward` takes them with `validate=False`.

        Parameters
        ----------
        t : array (N, ...)
            On the net's device.
        y : array
            The net's output for any batch.

        Raises
        ------
        ValueError
            As `forward`, for the whole data set.
        """
        if tuple(t.shape[1:]) != tuple(y.shape[1:]):
            raise ValueError(
                f"{type(self).__name__}: the net's output is {tuple(y.shape)} but t is {tuple(t.shape)}; "
                "they must be equal after the first axis."
            )
        return t

    def count_right(self, y: Array, t: Array) -> Array:
        """Return for how many samples the net's output `y` means the class in `t`."""
        raise TypeError(
            f"{type(self).__name__} is a regression loss: accuracy is undefined, use net.loss(x, t)"
        )

    @property
    def classifies(self) -> bool:
        """Whether `count_right` is defined."""
        return type(self).count_right is not LossLayer.count_right


def float_targets(layer: str, x: Array, t: Any) -> Array:
    """Return regression or probability targets in x's dtype and on its device.

    Raises
    ------
    ValueError
        If t has not x's shape, or the batch is empty.
    """
    t = asarray_like(t, like=x, dtype=x.dtype) if not is_array(t) else plain(t)
    if tuple(t.shape) != tuple(x.shape):
        raise ValueError(f"{layer}: x is {tuple(x.shape)} but t is {tuple(t.shape)}; they must be equal.")
    if 0 in x.shape:
        raise ValueError(f"{layer}: the batch is empty: x is {tuple(x.shape)}; give at least one sample.")
    return t if t.dtype == x.dtype else namespace(t).astype(t, x.dtype)


def check_finite(layer: str, loss: Array, x: Array) -> None:
    """Raise ValueError, naming the first bad input, if the loss is NaN."""
    if loss == loss:
        return
    bad = np.argwhere(~np.isfinite(to_numpy(x)))
    if not len(bad):
        raise ValueError(f"{layer}: the loss is NaN because the targets t hold NaN; check np.isfinite(t).")
    raise ValueError(
        f"{layer}: the loss is NaN because x{bad[0].tolist()} is {to_numpy(x)[tuple(bad[0])]}; in a net x is "
        "what the last layer puts out: check the net's own input and weights, or lower the learning rate if "
        "the loss grew while training."
    )
