"""The book's functions without state."""

from __future__ import annotations

from typing import Any

import xpnet_kernels
from xpnet.layers._base import as_input
from xpnet.layers._labels import class_indices
from xpnet_kernels._arrays import Array, arange, namespace, shape_of


def sigmoid(x: Any) -> Array:
    """Return 1 / (1 + exp(-x)), without overflow at any x (book, volume 1, section 3.2.4).

    Parameters
    ----------
    x : array of any shape, list or number

    Returns
    -------
    array of x's shape; float64 for lists, numbers and integers
    """
    return xpnet_kernels.sigmoid(as_input(x))


def softmax(x: Any) -> Array:
    """Return exp(x_k) / Σ_i exp(x_i) over the last axis (book, volume 1, section 3.5).

    Parameters
    ----------
    x : array (..., C) or list

    Returns
    -------
    array of x's shape
        Each row sums to 1.

    Raises
    ------
    ValueError
        If x is a number.
    """
    x = as_input(x)
    if x.ndim == 0:
        raise ValueError("softmax: x is a number; it must have an axis of classes, (C,) or (..., C)")
    return xpnet_kernels.softmax(x)


def cross_entropy_error(y: Any, t: Any, delta: float = 1e-7) -> Array:
    """Return the mean of -log(y[t] + delta) (book, volume 1, section 4.2.4).

    For training use `SoftmaxWithLoss`, which needs no delta: it works from the logits.

    Parameters
    ----------
    y : array (N, C), or (C,) for a single sample
        Probabilities.
    t : array (N,) of class indices, one-hot array (N, C), or an integer or one-hot (C,) for a single sample
    delta : float, optional
        Keeps the logarithm of 0 finite; the book's value.

    Raises
    ------
    ValueError
        If the shapes do not fit, the batch is empty, or a label lies outside 0..C-1.
    """
    y = as_input(y)
    xp = namespace(y)
    if y.ndim not in (1, 2):
        raise ValueError(f"cross_entropy_error: y is {tuple(y.shape)}; it must be (N, C) or (C,).")
    if y.ndim == 1:
        t = as_input(t, like=y)[None, :] if shape_of(t) == tuple(y.shape) and y.shape[0] > 1 else t
        y = xp.reshape(y, (1, y.shape[0]))
    labels = class_indices("cross_entropy_error", t, tuple(y.shape), like=y)
    hit = xp.reshape(labels, (y.shape[0], 1)) == xp.reshape(arange(y.shape[1], like=labels), (1, y.shape[1]))
    picked = xp.sum(xp.where(hit, y, xp.zeros_like(y)), axis=1)
    return -xp.mean(xp.log(picked + delta))
