"""What `fit` says where a net will train, but hardly as it was meant to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xpnet.layers import Softmax, SoftmaxWithLoss
from xpnet.nets._stack import is_a_users_own
from xpnet_kernels import _threads
from xpnet_kernels._arrays import Array, dtype_name, is_kind, namespace

if TYPE_CHECKING:
    from xpnet.nets.sequential import Sequential

LARGE = 30.0
"""Standardised inputs stay below it; pixels of 0..255 do not."""


def likely_mistakes(net: Sequential, x: Array, rows: int) -> Iterator[str]:
    """Yield a line for each.

    Parameters
    ----------
    net : Sequential
    x : array (N, ...)
        The training data as they were placed: uint8 will be scaled, anything else will not.
    rows : int
        How many samples to look at, the first.
    """
    first = x[:rows, ...]
    if is_kind(first, "real floating") or (is_kind(first, "integral") and dtype_name(first) != "uint8"):
        xp = namespace(first)
        largest = max(float(xp.max(first)), -float(xp.min(first)))
        if largest > LARGE:
            yield (
                f"the inputs reach {largest:.4g} in the first samples; steps suit inputs of about 0..1: "
                "divide by their largest value, or standardise them (pixels: x / 255, or give them as uint8)"
            )
    *_, last = net.layers.values()
    if type(last) is Softmax and type(net.lastLayer) is SoftmaxWithLoss:
        yield "the last layer is Softmax, and SoftmaxWithLoss applies softmax once more; leave the layer out"
    for name in ("input", "loss", "gradient"):
        if is_a_users_own(net, name):
            yield f"the net's own {name} is not called: fit goes by forward, loss_of and backward"
    threads, processors = _threads.chosen(), _threads.available()
    if net.backend.family == "numpy" and threads is not None and threads > processors:
        yield (
            f"{threads} threads are set, processors to run on: {processors}; those that wait for one "
            f"make all others wait: set no more than {processors} (XPNET_NUM_THREADS, xpnet.set_num_threads)"
        )
