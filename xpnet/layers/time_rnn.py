"""A recurrent layer over T steps, with truncated back-propagation (book, volume 2, section 5.3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xpnet.layers._base import Layer, as_gradient, as_input
from xpnet.layers.rnn import RNN, check_shapes
from xpnet.parameter import DataOf, GradientOf
from xpnet_kernels._arrays import Array, namespace
from xpnet_kernels._sums import sum_in_pairs

if TYPE_CHECKING:
    from xpnet._backends import Backend


class TimeRNN(Layer):
    """The `RNN` step, T times with the same weights.

    Parameters
    ----------
    Wx : array (D, H)
    Wh : array (H, H)
    b : array (H,)
    stateful : bool, optional
        Whether a forward pass starts from the last hidden state of the one before; gradients stop between
        the two (truncated back-propagation through time).

    Attributes
    ----------
    Wx, Wh, b, dWx, dWh, db : array
        Parameters and gradients; a gradient is the sum over the T steps.
    h : array (N, H) or None
        The last hidden state.
    dh : array (N, H)
        After `backward`, the gradient of the state that the pass started from.

    Raises
    ------
    ValueError
        If the parameters' shapes are not these.
    """

    config_names = ("stateful",)
    Wx, Wh, b = DataOf("Wx"), DataOf("Wh"), DataOf("b")
    dWx, dWh, db = GradientOf("Wx"), GradientOf("Wh"), GradientOf("b")

    def __init__(self, Wx: Any, Wh: Any, b: Any, stateful: bool = False) -> None:
        super().__init__(Wx=Wx, Wh=Wh, b=b)
        check_shapes(type(self).__name__, self.Wx, self.Wh, self.b)
        self.stateful = stateful
        self.h: Array | None = None

    def set_state(self, h: Array) -> None:
        """Start the next forward pass of a stateful layer from `h`, an array (N, H)."""
        self.h = as_input(h, like=self.Wh)

    def reset_state(self) -> None:
        """Start the next forward pass from zeros."""
        self.h = None

    def move(self, backend: Backend, dtype: Any = None) -> None:
        """Put the parameters and the carried state on a backend's device."""
        super().move(backend, dtype)
        if self.h is not None:
            self.h = backend.asarray(self.h, dtype)

    def forward(self, xs: Any) -> Array:
        """Return the hidden states of all steps.

        Parameters
        ----------
        xs : array (N, T, D)

        Returns
        -------
        array (N, T, H)

        Raises
        ------
        ValueError
            If xs is not (N, T, D) with T at least 1.
        """
        xs = as_input(xs, like=self.Wx)
        if xs.ndim != 3 or xs.shape[1] == 0 or xs.shape[2] != self.Wx.shape[0]:
            raise ValueError(
                f"TimeRNN: xs is {tuple(xs.shape)} but Wx is {tuple(self.Wx.shape)}; "
                "xs must be (N, T, D) with T at least 1 and D equal to Wx.shape[0]."
            )
        h = self._first_state(xs)
        self.steps, hs = [], []
        for time in range(xs.shape[1]):
            step = RNN(self.Wx, self.Wh, self.b)
            h = step.forward(xs[:, time, :], h)
            self.steps.append(step)
            hs.append(h)
        self.h = h
        return namespace(xs).stack(hs, axis=1)

    def _first_state(self, xs: Array) -> Array:
        shape = (xs.shape[0], self.Wh.shape[0])
        if not self.stateful or self.h is None:
            xp = namespace(xs)
            return xp.broadcast_to(xp.zeros_like(self.b), shape)
        if tuple(self.h.shape) != shape:
            raise ValueError(
                f"TimeRNN: the carried state is {tuple(self.h.shape)} but this batch needs {shape}; "
                "call reset_state() before a batch of another size."
            )
        return self.h

    def backward(self, dhs: Any) -> Array:
        """Return dxs (N, T, D); leave the sums over the steps in dWx, dWh and db.

        Parameters
        ----------
        dhs : array (N, T, H), or a number for all elements

        Raises
        ------
        ValueError
            If dhs has not the shape of what `forward` returned.
        """
        steps = self.remembered("steps")
        h = steps[0].h
        shape = (h.shape[0], len(steps), h.shape[1])
        dhs = as_gradient("TimeRNN", dhs, shape, like=h, names="dhs, hs")
        xp = namespace(dhs)
        dxs, dh = [], xp.zeros_like(h)
        for time in reversed(range(len(steps))):
            dx, dh = steps[time].backward(dhs[:, time, :] + dh)
            dxs.append(dx)
        self.dh = dh
        for name, cell in self.parameters.items():
            cell.grad = sum_in_pairs([step.parameters[name].grad for step in steps])
        return xp.stack(dxs[::-1], axis=1)
