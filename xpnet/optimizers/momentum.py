"""Gradient descent with momentum (Polyak 1964; book, volume 1, section 6.1.4)."""

from __future__ import annotations

import xpnet_kernels
from xpnet._numbers import check_share
from xpnet.optimizers._base import Optimizer


class Momentum(Optimizer):
    """v ← momentum v - lr dW, W ← W + v.

    Parameters
    ----------
    lr : float, optional
        Learning rate.
    momentum : float, optional
        Share of the velocity that is kept.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """

    operation = xpnet_kernels.momentum
    state_names = ("v",)

    def __init__(self, lr: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__(lr)
        check_share(type(self).__name__, momentum=momentum)
        self.momentum = float(momentum)

    def settings(self) -> dict[str, float]:
        """Return the constructor's arguments."""
        return {"lr": float(self.lr), "momentum": float(self.momentum)}
