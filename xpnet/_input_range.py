"""Input range: the raw values that become 0 and 1 before the first layer, and their choice from the data."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import numpy as np

from xpnet._backends import to_numpy
from xpnet_kernels._arrays import Array, cast, dtype_name, is_kind, namespace

BYTES = 255
"""The largest pixel of eight bits."""

DIM = 128
"""Bytes whose largest value is below it are not taken for pixels 0..255 when a net is trained on them."""

LOOKED_AT = 16_384
"""How many floating-point numbers are looked at: more would be noticed in a short `fit`."""

TOLERANCE = 1e-4
"""How far a multiple may be off a whole number: rounding of float32 times 255 stays below it."""


class InputRange(NamedTuple):
    """The raw values `low` and `high`, which become 0 and 1.

    Integers are raw values: a net computes with (x - low) / (high - low). Floating-point numbers are taken
    as they are.
    """

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}"

    def scaled(self, x: Array, dtype: Any) -> Array:
        """Return raw values in 0..1, in a floating-point dtype."""
        x = cast(x, dtype)
        if self == AS_GIVEN:
            return x
        return (x - self.low if self.low else x) / (self.high - self.low)


PIXELS = InputRange(0.0, float(BYTES))
"""Bytes of the full range; the only raw values that kernels scale themselves."""

AS_GIVEN = InputRange(0.0, 1.0)
"""Integers count as they are."""


def checked_range(value: Any) -> InputRange | None:
    """Return what a user assigns to `net.input_range`.

    Raises
    ------
    ValueError
        If it is neither None nor a pair of finite numbers, the first below the second.
    """
    if value is None:
        return None
    try:
        low, high = (math.nan, math.nan) if isinstance(value, str) else (float(number) for number in value)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(
            f"input_range is {value!r}; it must be a pair (low, high), the raw values that become 0 and 1, "
            "e.g. (0, 255) for pixels, or None to choose it from the next training data"
        )
    return _noted(low, high)


def _noted(low: float, high: float) -> InputRange:
    """Return an input range; that of pixels is one object, which is quick to tell."""
    return PIXELS if (low, high) == PIXELS else InputRange(low, high)


def is_raw(x: Array) -> bool:
    """Return whether an array holds raw values: integers, but no booleans."""
    return is_kind(x, "integral")


def chosen_range(x: Array) -> InputRange | None:
    """Return the input range of training data, or None where they do not tell.

    Parameters
    ----------
    x : array (N, ...)
        uint8: all values are looked at. 0 and 1 count as they are, pixels that reach 128 or more are divided
        by 255, others by their largest value. Other integers and booleans count as they are. Of
        floating-point numbers a few samples are looked at: multiples of 1/255, 1/16 and the like were divided
        by that number; whole numbers, and numbers beyond 0..1, count as they are.
    """
    if dtype_name(x) == "uint8":
        return _range_of_bytes(x)
    return _range_of_floats(x) if is_kind(x, "real floating") else AS_GIVEN


def _range_of_bytes(x: Array) -> InputRange | None:
    largest = int(namespace(x).max(x)) if math.prod(x.shape) else 0
    if largest == 0:
        return None
    if largest == 1:
        return AS_GIVEN
    return _noted(0.0, float(largest if largest < DIM else BYTES))


def _range_of_floats(x: Array) -> InputRange | None:
    rows = max(1, LOOKED_AT // max(1, math.prod(x.shape[1:])))
    step = max(1, x.shape[0] // rows)
    stop = min(step * rows, x.shape[0])
    some = np.unique(np.asarray(to_numpy(x[:stop:step, ...]), dtype=np.float64))
    positive = some[some > 0]
    if not np.isfinite(some).all() or not positive.size:
        return None
    if some[0] < 0 or some[-1] > 1:
        return AS_GIVEN
    smallest = max(1 / (2 * BYTES), np.diff(positive, prepend=0).min())
    for divisor in (1, round(1 / smallest), BYTES):
        levels = divisor * positive
        if levels[0] > 0.5 and np.abs(levels - np.round(levels)).max() < TOLERANCE:
            return _noted(0.0, float(divisor))
    return None


def warn_of_range(x: Array, input_range: InputRange | None) -> None:
    """Warn where raw values of a batch lie far from those that become 0 and 1.

    Parameters
    ----------
    x : array of integers
    input_range : InputRange or None
        The net's. Nothing is said of bytes under `PIXELS`: a single picture may be dark.
    """
    as_bytes = dtype_name(x) == "uint8"
    if (as_bytes and input_range == PIXELS) or not math.prod(x.shape):
        return
    largest = int(namespace(x).max(x))
    what = f"x is {dtype_name(x)} with values up to {largest}"
    if input_range is None:
        said = f"divided by 255, as pixels 0..255 are. If its values reach only {largest}, set"
        advice = f"net.input_range = (0, {largest})"
        wrong = as_bytes and 0 < largest < DIM
    else:
        said = f"scaled by net.input_range = {input_range}. If the training data were scaled otherwise, set"
        advice = "net.input_range = (0, 255)" if largest <= BYTES else "net.input_range = (lowest, highest)"
        scaled_already = largest == 1 and not as_bytes
        wrong = scaled_already or largest > input_range.high
        if input_range == AS_GIVEN:
            wrong = as_bytes and largest >= DIM
    if wrong:
        warnings.warn(f"{what}, and is {said} {advice}, or give floating-point numbers", stacklevel=5)
