"""Sums over threads of a warp."""

from __future__ import annotations

from typing import Any

from xpnet_kernels._jit import cuda, device_inline

ALL = 0xFFFFFFFF


@device_inline
def plus_partner(value: Any, distance: int) -> Any:
    """Return the sum of this thread's value and that of the thread whose number differs in one bit."""
    return value + cuda.shfl_xor_sync(ALL, value, distance)


@device_inline
def shared_out(low: Any, high: Any, takes_high: Any, distance: int) -> Any:
    """Add two values to a partner's two; return one of the sums, of which the partner gets the other."""
    mine = high if takes_high else low
    partners = low if takes_high else high
    return mine + cuda.shfl_xor_sync(ALL, partners, distance)
