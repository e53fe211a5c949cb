"""RMSprop (Hinton, lecture 6e of Neural Networks for Machine Learning, 2012)."""

from __future__ import annotations

import xpnet_kernels
from xpnet._numbers import check_positive, check_share
from xpnet.optimizers._base import Optimizer


class RMSprop(Optimizer):
    """h ← decay h + (1 - decay) dW², W ← W - lr dW / (√h + eps).

    Parameters
    ----------
    lr : float, optional
        Learning rate.
    decay : float, optional
        Share of the mean square that is kept.
    eps : float, optional
        Keeps the quotient finite.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """

    operation = xpnet_kernels.rmsprop
    state_names = ("h",)

    def __init__(self, lr: float = 0.01, decay: float = 0.99, eps: float = 1e-8) -> None:
        super().__init__(lr)
        check_share(type(self).__name__, decay=decay)
        check_positive(type(self).__name__, eps=eps)
        self.decay, self.eps = float(decay), float(eps)

    def settings(self) -> dict[str, float]:
        """Return the constructor's arguments."""
        return {"lr": float(self.lr), "decay": float(self.decay), "eps": float(self.eps)}
