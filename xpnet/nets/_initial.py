"""Initial weights, drawn on the host (Glorot and Bengio 2010; He et al. 2015; book, volume 1, chapter 6)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from xpnet._numbers import check_not_negative

_RULES = {"relu": 2.0, "he": 2.0, "sigmoid": 1.0, "xavier": 1.0}


def weight_scale(weight_init_std: float | str, inputs: int) -> float:
    """Return the standard deviation of a layer's initial weights.

    Parameters
    ----------
    weight_init_std : float or str
        A fixed value; `"he"` or `"relu"` for √(2 / D); `"xavier"` or `"sigmoid"` for √(1 / D).
    inputs : int
        D, the layer's number of inputs.

    Raises
    ------
    ValueError
        If the rule is unknown; lists the choices. If the number is negative or not finite.
    """
    if not isinstance(weight_init_std, str):
        check_not_negative("the net", weight_init_std=weight_init_std)
        return float(weight_init_std)
    if weight_init_std.lower() not in _RULES:
        raise ValueError(
            f"weight_init_std is {weight_init_std!r}; it must be a number or one of {', '.join(_RULES)}"
        )
    return math.sqrt(_RULES[weight_init_std.lower()] / inputs)


def affine_arrays(generator: np.random.Generator, inputs: int, outputs: int, scale: float) -> tuple[Any, Any]:
    """Return W (D, H) of N(0, scale²) and b (H,) of zeros, in float64 so that every dtype starts alike."""
    return scale * generator.standard_normal((inputs, outputs)), np.zeros(outputs)
