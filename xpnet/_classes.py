"""Class names: labels that are text or categories, and the indices that a net computes with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from xpnet_kernels._arrays import is_array
from xpnet_kernels._plain import plain

Names = npt.NDArray[Any]

SHOWN = 5
"""How many names an error lists."""


def names_in(t: Any) -> Names | None:
    """Return labels as an array of text, or None if they are numbers.

    Parameters
    ----------
    t : array, list, Series or Categorical

    Raises
    ------
    ValueError
        If some labels are text and others are missing or something else; says which.
    """
    array = plain(t) if is_array(t) else np.asarray(t)
    kind = getattr(array.dtype, "kind", "")
    if kind == "U":
        return array
    if kind == "S":
        return np.char.decode(array, "utf-8")
    if kind == "T":
        array, kind = array.astype(object), "O"
    if kind != "O" or not any(isinstance(label, str) for label in array.flat):
        return None
    for place, label in zip(np.ndindex(*array.shape), array.flat, strict=True):
        if not isinstance(label, str):
            where = ", ".join(map(str, place))
            raise ValueError(
                f"t[{where}] is {label!r}, and other labels are text; give every sample a label, all text or "
                "all integers"
            )
    return array.astype(str)


def checked_names(names: Any) -> Names | None:
    """Return what a user assigns to `net.classes_`.

    Raises
    ------
    ValueError
        If it is neither None nor a list of different names.
    """
    if names is None:
        return None
    found = names_in(names)
    if found is None or found.ndim != 1 or len(np.unique(found)) < len(found):
        raise ValueError(
            f"classes_ is {names!r}; it must be a list of different names, one for each output of the "
            "net, or None"
        )
    return found


def indices_of(labels: Names, classes: Names) -> npt.NDArray[np.int64]:
    """Return the place of each label among the classes.

    Raises
    ------
    ValueError
        If a label is none of them; says which.
    """
    order = np.argsort(classes)
    found = np.searchsorted(classes, labels, sorter=order)
    indices = order[np.minimum(found, len(classes) - 1)]
    unknown = classes[indices] != labels
    if unknown.any():
        label = str(labels[unknown][0])
        raise ValueError(
            f"t holds {label!r}, which is not a class of the net; its classes_ are {listed(classes)}"
        )
    return np.asarray(indices, dtype=np.int64)


def listed(classes: Names) -> str:
    """Return the first few names in words."""
    shown = ", ".join(repr(str(name)) for name in classes[:SHOWN])
    return shown + (f", ... ({len(classes)} in all)" if len(classes) > SHOWN else "")
