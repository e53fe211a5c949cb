"""Nesterov's accelerated gradient (Bengio et al. 2013, equations 6 and 7)."""

from __future__ import annotations

import xpnet_kernels
from xpnet.optimizers.momentum import Momentum


class Nesterov(Momentum):
    """v ← momentum v - lr dW, W ← W + momentum v - lr dW.

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

    operation = xpnet_kernels.nesterov
