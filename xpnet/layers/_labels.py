"""Class labels: indices (N,) or one-hot rows (N, C), checked and brought to indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array, asarray_like, cast, dtype_name, is_array, is_kind, namespace
from xpnet_kernels._plain import plain


def class_indices(layer: str, t: Any, shape: tuple[int, ...], like: Array, validate: bool = True) -> Array:
    """Return labels as class indices on the device of `like`.

    Parameters
    ----------
    layer : str
        The name that errors use.
    t : array (N,) of integers, or of x's own 2-D shape and one-hot; an integer for a single sample
    shape : (N, C)
        The shape of the logits.
    like : array
        The logits.
    validate : bool, optional
        Whether to look at the values, which waits for a GPU.

    Raises
    ------
    ValueError
        If the batch is empty, the number of labels is wrong, a label lies outside 0..C-1, or a row is not
        one-hot.
    """
    samples, classes = shape
    if samples == 0 or classes == 0:
        raise ValueError(
            f"{layer}: the batch is empty: x is {shape}; give at least one sample and one class."
        )
    if not is_array(t):
        t = asarray_like(np.asarray(t), like=like)
    t = plain(t)
    if t.ndim == 2 and tuple(t.shape) == shape:
        return _from_one_hot(layer, t, validate)
    if t.ndim == 0:
        t = namespace(t).reshape(t, (1,))
    if t.ndim != 1 or t.shape[0] != samples:
        raise ValueError(
            f"{layer}: x is {shape} but t is {tuple(t.shape)}; "
            f"t must be class indices ({samples},) or one-hot {shape}."
        )
    return _checked_indices(layer, t, classes, validate)


def _checked_indices(layer: str, t: Array, classes: int, validate: bool) -> Array:
    if not is_kind(t, "integral"):
        if dtype_name(t).startswith("bool"):
            return cast(t, "int64")
        raise ValueError(
            f"{layer}: class indices must be integers, got {dtype_name(t)}; "
            "convert them with t.astype('int64')."
        )
    t = cast(t, "int64")
    xp = namespace(t)
    if validate and bool(xp.any((t < 0) | (t >= classes))):
        first = int(xp.argmax(xp.astype((t < 0) | (t >= classes), xp.int8)))
        raise ValueError(f"{layer}: label {int(t[first])} at t[{first}] is outside 0..{classes - 1}.")
    return t


def _from_one_hot(layer: str, t: Array, validate: bool) -> Array:
    xp = namespace(t)
    if validate:
        hot, cold = t == 1, t == 0
        good = xp.all(hot | cold, axis=1) & (xp.sum(xp.astype(hot, xp.int32), axis=1) == 1)
        if not bool(xp.all(good)):
            first = int(xp.argmin(xp.astype(good, xp.int8)))
            raise ValueError(
                f"{layer}: row {first} of t is not one-hot; each row must hold one 1 and zeros. "
                "Give class indices (N,) otherwise."
            )
    return xp.argmax(t, axis=1)
