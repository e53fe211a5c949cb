"""What the graph nodes share: two operands that may broadcast against each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.layers._base import as_gradient
from xpnet_kernels._arrays import common_family, family_of, is_array, is_kind, namespace
from xpnet_kernels._sums import sum_along


def check_pair(layer: str, x: Any, y: Any) -> None:
    """Raise DeviceMismatchError if x and y are arrays of two families."""
    if is_array(x) and is_array(y):
        common_family(layer, ("x", "y"), (x, y))


def gradient_of_node(layer: str, dout: Any, out: Any) -> Any:
    """Return dL/d(output) for a node whose output was `out`.

    Python numbers stay as they are while the output is one. Beside an array it is an array of its shape.
    """
    if not is_array(out):
        if isinstance(dout, int | float):
            return dout
        out = np.asarray(out, dtype=np.float64)
    dtype = out.dtype if is_kind(out, "real floating") else namespace(out).float64
    return as_gradient(layer, dout, tuple(out.shape), out, dtype, "dout, the output")


def sum_to_shape_of(operand: Any, gradient: Any) -> Any:
    """Sum a gradient over the axes along which `operand` was broadcast in forward."""
    if not is_array(gradient):
        return gradient
    shape = tuple(operand.shape) if is_array(operand) else ()
    xp = family_of(gradient).xp
    for _ in range(gradient.ndim - len(shape)):
        gradient = sum_along(xp, gradient)
    for axis, size in enumerate(shape):
        if size == 1 and gradient.shape[axis] != 1:
            gradient = sum_along(xp, gradient, axis, keepdims=True)
    return gradient
