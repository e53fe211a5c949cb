"""One step of a simple recurrent layer (book, volume 2, section 5.3.1)."""

from __future__ import annotations

from typing import Any

from xpnet.layers._base import Layer, as_gradient, as_input
from xpnet.parameter import DataOf, GradientOf
from xpnet_kernels import affine, affine_backward, matmul, tanh, tanh_backward
from xpnet_kernels._arrays import Array


class RNN(Layer):
    """h_t = tanh(h_{t-1} Wh + x_t Wx + b).

    Parameters
    ----------
    Wx : array (D, H)
    Wh : array (H, H)
    b : array (H,)

    Attributes
    ----------
    Wx, Wh, b : array
        The parameters.
    dWx, dWh, db : array
        Their gradients, after `backward`.

    Raises
    ------
    ValueError
        If the shapes are not these.
    """

    Wx, Wh, b = DataOf("Wx"), DataOf("Wh"), DataOf("b")
    dWx, dWh, db = GradientOf("Wx"), GradientOf("Wh"), GradientOf("b")

    def __init__(self, Wx: Any, Wh: Any, b: Any) -> None:
        super().__init__(Wx=Wx, Wh=Wh, b=b)
        check_shapes(type(self).__name__, self.Wx, self.Wh, self.b)

    def forward(self, x: Any, h_prev: Any) -> Array:
        """Return h_t.

        Parameters
        ----------
        x : array (N, D)
        h_prev : array (N, H)

        Returns
        -------
        array (N, H)

        Raises
        ------
        ValueError
            If the shapes do not fit each other.
        """
        self.x, self.h_prev = as_input(x, like=self.Wx), as_input(h_prev, like=self.Wh)
        if self.x.ndim != 2 or self.x.shape[1] != self.Wx.shape[0]:
            raise ValueError(
                f"RNN: x is {tuple(self.x.shape)} but Wx is {tuple(self.Wx.shape)}; "
                "x must be (N, D) with D equal to Wx.shape[0]."
            )
        if tuple(self.h_prev.shape) != (self.x.shape[0], self.Wh.shape[0]):
            raise ValueError(
                f"RNN: h_prev is {tuple(self.h_prev.shape)}; it must be "
                f"(N, H) = {(self.x.shape[0], self.Wh.shape[0])}."
            )
        self.h = tanh(affine(self.x, self.Wx, self.b) + matmul(self.h_prev, self.Wh))
        return self.h

    def backward(self, dh_next: Any) -> tuple[Array, Array]:
        """Return dx and dh_prev, given dL/dh_t; leave the parameters' gradients in dWx, dWh and db.

        Parameters
        ----------
        dh_next : array (N, H), or a number for all elements

        Raises
        ------
        ValueError
            If dh_next has not the shape of what `forward` returned.
        """
        h, h_prev = self.remembered("h"), self.remembered("h_prev")
        dh_next = as_gradient("RNN", dh_next, h.shape, like=h, names="dh_next, h")
        dt = tanh_backward(dh_next, h)
        dx, self.dWx, self.db = affine_backward(dt, self.remembered("x"), self.Wx)
        self.dWh = matmul(h_prev.T, dt)
        return dx, matmul(dt, self.Wh.T)


def check_shapes(layer: str, Wx: Array, Wh: Array, b: Array) -> None:
    """Raise ValueError unless Wx is (D, H), Wh is (H, H) and b is (H,)."""
    hidden = b.shape[0] if b.ndim == 1 else -1
    if Wx.ndim != 2 or Wx.shape[1] != hidden or tuple(Wh.shape) != (hidden, hidden):
        raise ValueError(
            f"{layer}: Wx is {tuple(Wx.shape)}, Wh is {tuple(Wh.shape)} and b is {tuple(b.shape)}; "
            "they must be (D, H), (H, H) and (H,)."
        )
