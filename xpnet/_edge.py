"""The edge of a net: what a user passes in becomes an array of the net's device and dtype, once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from xpnet._backends import Backend
from xpnet._input_range import PIXELS, InputRange, is_raw, warn_of_range
from xpnet_kernels._arrays import Array, cast, dtype_name, is_array, namespace, shape_of
from xpnet_kernels._plain import plain


def to_device(x: Any, backend: Backend, dtype: Any, input_range: InputRange | None) -> Array:
    """Put inputs on a backend's device, scaled; pixels 0..255 stay bytes for `to_input` or a kernel.

    Parameters
    ----------
    x : array of any family, list, number or DataFrame
        Integers are raw values, unless the range is None: then bytes are pixels, and other integers count as
        they are.
    backend : Backend
    dtype : dtype
        The net's.
    input_range : InputRange or None
    """
    x = real_numbers("x", x)
    if not is_raw(x):
        return backend.asarray(x, dtype)
    warn_of_range(x, input_range)
    if dtype_name(x) == "uint8" and input_range in (None, PIXELS):
        return backend.asarray(x)
    return backend.asarray(x, dtype) if input_range is None else input_range.scaled(backend.asarray(x), dtype)


def real_numbers(name: str, values: Any) -> Array:
    """Return what a user gave as an array of real numbers.

    Parameters
    ----------
    name : str
        The argument that errors name.
    values : array of any family, list, number or DataFrame

    Raises
    ------
    TypeError
        If it is none of these (None, a dict, a generator), or holds something else (text, dates, complex
        numbers): NumPy would make NaN or other numbers of some of them. If it is a masked array.
    """
    if isinstance(values, tuple | list) and values and is_array(values[0]):
        values = [plain(value) for value in values]  # NumPy would drop a mask without a word
        if values[0].ndim > 1:
            _check_equal_shapes(name, values)
    array = plain(values) if is_array(values) else np.asarray(values)
    dtype = dtype_name(array)
    # NumPy spells a foreign byte order in a dtype's text, but not in its name.
    if getattr(array.dtype, "name", dtype).startswith(("float", "bfloat", "int", "uint", "bool")):
        return array
    if dtype == "object" and array.ndim == 0:
        what = "None" if values is None else f"a {type(values).__name__}"
        raise TypeError(f"{name} is {what}; give an array, or a list of numbers")
    if dtype == "object":
        try:
            return array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{name} holds other things than numbers: {error}") from None
    raise TypeError(f"{name} holds {dtype}; give an array of real numbers")


def to_input(x: Array, dtype: Any) -> Array:
    """Return a batch that `to_device` made in the net's dtype: bytes are pixels."""
    return PIXELS.scaled(x, dtype) if is_raw(x) else x


def _check_equal_shapes(name: str, values: Sequence[Any]) -> None:
    """Raise TypeError for arrays that are not samples: a pair (x, t), say, as a loader returns it."""
    shapes = [shape_of(value) for value in values]
    if len(set(shapes)) > 1:
        raise TypeError(
            f"{name} holds arrays of different shapes, {shapes[0]} and others; "
            "give one array (of a loader's pair (x, t), x and t apart)"
        )


def check_samples(x: Array, t: Array) -> int:
    """Return how many samples there are.

    Raises
    ------
    ValueError
        If x has no feature axis, x and t have not equally many, or there is none.
    """
    if x.ndim < 2:
        swapped = x.ndim == 1 and t.ndim > 1 and x.shape[0] == t.shape[0]
        raise ValueError(
            f"x is {tuple(x.shape)}; it must be (samples, features): x.reshape(1, -1) for one sample, "
            "x.reshape(-1, 1) for samples of one feature"
            + (f". Are x and t swapped? t is {tuple(t.shape)}" if swapped else "")
        )
    if t.ndim == 0 or x.shape[0] != t.shape[0] or x.shape[0] == 0:
        raise ValueError(
            f"x is {tuple(x.shape)} and t is {tuple(t.shape)}; "
            "they must hold equally many samples, at least one"
        )
    return int(x.shape[0])


class NoAnswerError(ValueError):
    """A net's output is NaN, which means no class."""


def check_is_an_answer(what: str, y: Array, first: int = 0) -> None:
    """Raise NoAnswerError if a net's output for a batch, whose first sample is number `first`, is NaN."""
    xp = namespace(y)
    if not bool(xp.any(y != y)):
        return
    bad = xp.any(xp.reshape(y != y, (y.shape[0], -1)), axis=1)
    sample = first + int(xp.argmax(cast(bad, "int64")))
    raise NoAnswerError(
        f"{what}: the net's output for sample {sample} is NaN; its input or the weights hold NaN or inf, or "
        "are so large that they overflow"
    )


def chunks(samples: int, size: int) -> Iterator[slice]:
    """Yield the slices that cut `samples` into pieces of `size`; the last may be smaller."""
    for start in range(0, samples, size):
        yield slice(start, min(start + size, samples))
