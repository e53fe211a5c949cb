"""The optimizer's step inside an epoch: the same kernels that a step outside it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit
from xpnet_kernels.adagrad import adagrad_in_place
from xpnet_kernels.adam import adam_in_place, adam_numbers
from xpnet_kernels.momentum import momentum_in_place
from xpnet_kernels.nesterov import nesterov_in_place
from xpnet_kernels.rmsprop import rmsprop_in_place, rmsprop_numbers
from xpnet_kernels.sgd import sgd_in_place

SGD, MOMENTUM, NESTEROV, ADAGRAD, RMSPROP, ADAM = range(6)
CODES = {
    "sgd": SGD,
    "momentum": MOMENTUM,
    "nesterov": NESTEROV,
    "adagrad": ADAGRAD,
    "rmsprop": RMSPROP,
    "adam": ADAM,
}


MOST_NUMBERS = 8


def step_numbers(update: str, options: Sequence[dict[str, float]], dtype: Any) -> Array:
    """Return what the kernels need at each step: array (steps, MOST_NUMBERS), filled up with zeros."""
    numbers = np.zeros((len(options), MOST_NUMBERS), dtype=dtype)
    always = bool(options) and options == [options[0]] * len(options)  # mostly one object many times
    for row, step in [(slice(None), options[0])] if always else enumerate(options):
        values = _numbers(update, step)
        numbers[row, : len(values)] = values
    return numbers


def _numbers(update: str, step: dict[str, float]) -> tuple[float, ...]:
    if update == "adam":
        return adam_numbers(**step)
    if update == "rmsprop":
        return rmsprop_numbers(**step)
    names = {"sgd": ("lr",), "adagrad": ("lr", "eps")}.get(update, ("lr", "momentum"))
    return tuple(step[name] for name in names)


@njit
def update(kind: int, W: Array, g: Array, s0: Array, s1: Array, n: Array) -> None:
    """Update one flat stretch of parameters in place, with its state and this step's numbers."""
    if kind == SGD:
        sgd_in_place(W, g, (n[0],))
    elif kind == MOMENTUM:
        momentum_in_place(W, g, s0, (n[0], n[1]))
    elif kind == NESTEROV:
        nesterov_in_place(W, g, s0, (n[0], n[1]))
    elif kind == ADAGRAD:
        adagrad_in_place(W, g, s0, (n[0], n[1]))
    elif kind == RMSPROP:
        rmsprop_in_place(W, g, s0, (n[0], n[1], n[2], n[3]))
    else:
        adam_in_place(W, g, s0, s1, (n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]))
