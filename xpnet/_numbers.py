"""Whether options are numbers in their range."""

from __future__ import annotations

import math
import numbers
from typing import Any


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_positive(owner: str, **values: Any) -> None:
    """Raise ValueError unless every value is a finite number above 0."""
    for name, value in values.items():
        if not (_is_number(value) and math.isfinite(value) and value > 0):
            raise ValueError(f"{owner}: {name} is {value!r}; it must be a finite number above 0.")


def check_not_negative(owner: str, **values: Any) -> None:
    """Raise ValueError unless every value is a finite number of at least 0."""
    for name, value in values.items():
        if not (_is_number(value) and math.isfinite(value) and value >= 0):
            raise ValueError(f"{owner}: {name} is {value!r}; it must be a finite number of at least 0.")


def check_share(owner: str, **values: Any) -> None:
    """Raise ValueError unless every value is a number in 0..1, 1 excluded."""
    for name, value in values.items():
        if not (_is_number(value) and 0 <= value < 1):
            raise ValueError(f"{owner}: {name} is {value!r}; it must be at least 0 and below 1.")
