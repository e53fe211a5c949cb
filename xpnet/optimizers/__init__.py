"""Every optimizer, one file each."""

from __future__ import annotations

from xpnet.optimizers._base import Optimizer
from xpnet.optimizers.adagrad import AdaGrad
from xpnet.optimizers.adam import Adam
from xpnet.optimizers.momentum import Momentum
from xpnet.optimizers.nesterov import Nesterov
from xpnet.optimizers.rmsprop import RMSprop
from xpnet.optimizers.sgd import SGD

__all__ = [
    "BUILT_IN",
    "SGD",
    "AdaGrad",
    "Adam",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "by_name",
    "names",
]

BUILT_IN: tuple[type[Optimizer], ...] = (SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam)

_BY_NAME: dict[str, type[Optimizer]] = {kind.__name__.lower(): kind for kind in BUILT_IN}


def names() -> list[str]:
    """Return the names that `by_name` and `xpnet train --optimizer` take."""
    return list(_BY_NAME)


def by_name(name: str, lr: float | None = None) -> Optimizer:
    """Return a new optimizer, e.g. `by_name("adam", lr=0.001)`.

    Parameters
    ----------
    name : str
        One of `names()`, in any case.
    lr : float, optional
        By default the optimizer's own.

    Raises
    ------
    ValueError
        If the name is unknown; lists the choices.
    """
    kind = _BY_NAME.get(name.lower())
    if kind is None:
        raise ValueError(f"unknown optimizer {name!r}; choose one of {', '.join(names())}")
    return kind() if lr is None else kind(lr)  # type: ignore[call-arg]
