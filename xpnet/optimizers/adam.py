"""Adam (Kingma and Ba 2015, algorithm 1; book, volume 1, section 6.1.6)."""

from __future__ import annotations

import xpnet_kernels
from xpnet._numbers import check_positive, check_share
from xpnet.optimizers._base import Optimizer


class Adam(Optimizer):
    """m and v ← running means of dW and dW², W ← W - lr m̂ / (√v̂ + eps).

    m̂ and v̂ are m and v without their bias towards zero. The book folds the correction of v into the
    learning rate, which makes its eps weigh more in the first steps; this is the paper's algorithm.

    Parameters
    ----------
    lr : float, optional
        Learning rate.
    beta1, beta2 : float, optional
        Shares of the first and second moment that are kept.
    eps : float, optional
        Keeps the quotient finite.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """

    operation = xpnet_kernels.adam
    state_names = ("m", "v")

    def __init__(
        self, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ) -> None:
        super().__init__(lr)
        check_share(type(self).__name__, beta1=beta1, beta2=beta2)
        check_positive(type(self).__name__, eps=eps)
        self.beta1, self.beta2, self.eps = float(beta1), float(beta2), float(eps)

    def settings(self) -> dict[str, float]:
        """Return the constructor's arguments."""
        return {
            "lr": float(self.lr),
            "beta1": float(self.beta1),
            "beta2": float(self.beta2),
            "eps": float(self.eps),
        }

    def hyper_parameters(self) -> dict[str, float]:
        """Return the operation's options: the settings and this step's bias corrections."""
        unbias1 = 1 / (1 - self.beta1**self.step)
        unbias2 = 1 / (1 - self.beta2**self.step)
        return {**self.settings(), "unbias1": unbias1, "unbias2": unbias2}
