"""Whether a GPU may compute wide float32 products in TF32: the one trade of precision for speed."""

from __future__ import annotations


def set_tf32(enabled: bool | None) -> None:
    """Allow or forbid TF32 in the wide products of captured epochs (`fit`'s engine "graph").

    TF32 keeps 10 bits of the fraction of each factor instead of float32's 23, and sums in float32. It is off
    unless asked for, here or by the environment variable XPNET_TF32 (0 or 1), and `fit` says so where it is
    on.

    Parameters
    ----------
    enabled : bool or None
        None leaves it to XPNET_TF32 again.

    Raises
    ------
    TypeError
        If it is neither a bool nor None.
    """
    from xpnet_kernels import _cublas  # for GPUs only

    _cublas.choose_tf32(enabled)
