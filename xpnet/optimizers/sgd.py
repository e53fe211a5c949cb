"""Stochastic gradient descent (book, volume 1, section 6.1.2)."""

from __future__ import annotations

import xpnet_kernels
from xpnet.optimizers._base import Optimizer


class SGD(Optimizer):
    """W ← W - lr dW.

    Parameters
    ----------
    lr : float, optional
        Learning rate.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """

    operation = xpnet_kernels.sgd

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__(lr)
