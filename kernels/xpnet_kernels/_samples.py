"""Shapes and values that the operations' samples share."""

from __future__ import annotations

from typing import Any

import numpy as np

MATRIX_SHAPES = ((1, 1), (1, 7), (5, 1), (7, 5), (33, 17), (3, 300), (0, 4))
"""One row, one column, odd sizes, more than a thread block, empty."""

PRODUCT_SHAPES = ((1, 1, 1), (1, 5, 3), (4, 1, 3), (4, 5, 1), (7, 9, 5), (35, 33, 18), (0, 3, 2), (3, 2, 0))
"""(N, D, H) of a product (N, D) @ (D, H)."""


def normal(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Any:
    """Draw a standard normal array of `dtype`."""
    return rng.standard_normal(shape).astype(dtype)


def with_zeros(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Any:
    """Draw a normal array in which about a fifth of the elements are exactly zero."""
    return np.where(rng.random(shape) < 0.2, 0, rng.standard_normal(shape)).astype(dtype)
