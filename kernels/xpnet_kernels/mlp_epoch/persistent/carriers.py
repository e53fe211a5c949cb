"""What carries the parameters into the persistent kernel's own arrays and out again, one launch each way."""

from __future__ import annotations

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda


@cuda.jit
def carry_in(
    W1: Array, b1: Array, W2: Array, b2: Array, own_W1: Array, own_b1: Array, own_W2: Array, columns: int,
    z: Array, meeting: Array, whole: int,
) -> None:  # fmt: skip
    """Clear z and the meeting, an element a thread; at the begin of an epoch (`whole`) copy the parameters.

    Parameters
    ----------
    W1, b1, W2, b2 : array (D, H), (H,), (H, C), (C,)
    own_W1, own_b1, own_W2, z, meeting : array
        See `Buffers`.
    columns : int
        Of the own W2, whose last row holds b2.
    whole : int
    """
    i = cuda.grid(1)
    if i < z.size:
        z[i] = np.float32(0)
    if i < meeting.size:
        meeting[i] = np.uint32(0)
    if whole:
        if i < W1.size:
            own_W1[i] = W1[i // W1.shape[1], i % W1.shape[1]]
        if i < b1.size:
            own_b1[i] = b1[i]
        if i < W2.size:
            own_W2[i // W2.shape[1] * columns + i % W2.shape[1]] = W2[i // W2.shape[1], i % W2.shape[1]]
        if i < b2.size:
            own_W2[own_W2.size // 2 - columns + i] = b2[i]


@cuda.jit
def carry_out(
    own_W1: Array, own_b1: Array, new_W2: Array, columns: int, W1: Array, b1: Array, W2: Array, b2: Array
) -> None:
    """Copy the parameters out, an element a thread; `new_W2` is the copy that the last step wrote."""
    i = cuda.grid(1)
    if i < W1.size:
        W1[i // W1.shape[1], i % W1.shape[1]] = own_W1[i]
    if i < b1.size:
        b1[i] = own_b1[i]
    if i < W2.size:
        W2[i // W2.shape[1], i % W2.shape[1]] = new_W2[i // W2.shape[1] * columns + i % W2.shape[1]]
    if i < b2.size:
        b2[i] = new_W2[new_W2.size - columns + i]
