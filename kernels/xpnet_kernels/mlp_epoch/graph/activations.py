"""The activations of a stack on one number, and their derivatives from what they returned."""

from __future__ import annotations

import math
from typing import Any

from xpnet_kernels._jit import cuda
from xpnet_kernels.mlp_epoch.phases import RELU, SIGMOID, TANH
from xpnet_kernels.sigmoid import sigmoid_value_on_device


@cuda.jit(device=True)
def activated(activation: int, z: Any, one: Any) -> Any:
    """Return an activation of z, given 1 in its dtype."""
    y, zero = z, one - one
    if activation == RELU:
        y = zero if z <= zero else z  # NaN stays NaN
    elif activation == SIGMOID:
        y = sigmoid_value_on_device(z, one)
    elif activation == TANH:
        y = math.tanh(z)
    return y


@cuda.jit(device=True)
def through(activation: int, dy: Any, y: Any, one: Any) -> Any:
    """Return the gradient before an activation, from the one after it and what the activation returned."""
    dz, zero = dy, one - one
    if activation == RELU:
        dz = dy if y > zero else zero
    elif activation == SIGMOID:
        dz = dy * y * (one - y)
    elif activation == TANH:
        dz = dy * (one - y * y)
    return dz
