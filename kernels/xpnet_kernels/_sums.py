"""Long sums of float32 numbers: over the rows of a batch, the steps of a sequence, the weights of a net.

One sum that takes number after number loses digits as it grows: where all are alike, 1e-4 of the sum of
10,000 rows and 1e-2 of that of a million. Here no more than LONGEST rows are added one after another, which
costs 1e-6, and the sums of parts are added up apart. Up to LONGEST rows give the bits of the plain sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit

LONGEST = 128
"""Rows that are added one after another."""

PARTS = 32
"""Parts of a longer sum that an array library adds in one call.

Of 8, 16, 32 and 128 parts, 32 took least time for a million rows of ten, on a CPU of two cores: 1.4 ms. The
plain sum took 15 ms, a sum in float64 20 ms.
"""


def sum_along(xp: Any, x: Array, axis: int = 0, *, keepdims: bool = False) -> Array:
    """Return the sum of x along one axis, in x's dtype.

    Parameters
    ----------
    xp : module
        The array library of x.
    x : array, float
    axis : int, optional
        From 0 on.
    keepdims : bool, optional
        Whether the result has that axis, of length 1.

    Returns
    -------
    array of x's shape without the axis, or with 1 in its place
    """
    before, after, rests = x.shape[:axis], x.shape[axis + 1 :], []
    while x.shape[axis] > LONGEST:
        length, all_before = x.shape[axis] // PARTS, (slice(None),) * axis
        if x.shape[axis] % PARTS:
            rest = x[(*all_before, slice(PARTS * length, x.shape[axis]), ...)]
            rests.append(xp.sum(rest, axis=axis, keepdims=keepdims))
        whole = x[(*all_before, slice(0, PARTS * length), ...)]
        x = xp.sum(xp.reshape(whole, (*before, PARTS, length, *after)), axis=axis)
    return sum_in_pairs([xp.sum(x, axis=axis, keepdims=keepdims), *rests])


def sum_in_pairs(arrays: Sequence[Array]) -> Array:
    """Return the sum of some arrays, at least one: pairs are added, then the sums of pairs, and so on."""
    arrays = list(arrays)
    while len(arrays) > 1:
        paired = [one + other for one, other in zip(arrays[::2], arrays[1::2], strict=False)]
        arrays = paired + arrays[2 * len(paired) :]
    return arrays[0]


@njit
def add_rows(rows: Array, sums: Array) -> None:
    """Add every row to sums, one after another."""
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            sums[j] += rows[i, j]


@njit
def add_many_rows(rows: Array, some: Array, sums: Array) -> None:
    """Add every row to sums, LONGEST rows at a time in the rows' dtype, and these in that of the sums.

    Parameters
    ----------
    rows : array (N, H)
    some : array (H,), the rows' dtype
        Zeros; zeros again afterwards.
    sums : array (H,), float64
    """
    for start in range(0, rows.shape[0], LONGEST):
        add_rows(rows[start : start + LONGEST], some)
        for j in range(sums.size):
            sums[j] += some[j]
            some[j] = 0


@njit
def sum_of_squares(numbers: Array) -> float:
    """Return the sum of the squares of numbers (n,), PARTS x LONGEST at a time in their own dtype.

    Compiled, such a part is a sum for each lane of some vectors: as many as there are PARTS, or more.
    """
    total, together = 0.0, PARTS * LONGEST
    for start in range(0, numbers.size, together):
        part, some = numbers.dtype.type(0), numbers[start : start + together]
        for i in range(some.size):
            part += some[i] * some[i]
        total += part
    return total
