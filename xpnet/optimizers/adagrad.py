"""AdaGrad (Duchi et al. 2011; book, volume 1, section 6.1.5)."""

from __future__ import annotations

import xpnet_kernels
from xpnet._numbers import check_positive
from xpnet.optimizers._base import Optimizer


class AdaGrad(Optimizer):
    """h ← h + dW², W ← W - lr dW / (√h + eps).

    Parameters
    ----------
    lr : float, optional
        Learning rate.
    eps : float, optional
        Keeps the quotient finite.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """

    operation = xpnet_kernels.adagrad
    state_names = ("h",)

    def __init__(self, lr: float = 0.01, eps: float = 1e-10) -> None:
        super().__init__(lr)
        check_positive(type(self).__name__, eps=eps)
        self.eps = float(eps)

    def settings(self) -> dict[str, float]:
        """Return the constructor's arguments."""
        return {"lr": float(self.lr), "eps": float(self.eps)}
