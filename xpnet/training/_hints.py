"""Hints: how inputs are scaled, and warnings about likely mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from xpnet._classes import listed
from xpnet._input_range import AS_GIVEN, InputRange, chosen_range, is_raw
from xpnet.layers import Affine, Softmax, SoftmaxWithLoss
from xpnet.nets._stack import is_a_users_own
from xpnet_kernels import _threads
from xpnet_kernels._arrays import Array, dtype_name, is_array, is_kind, namespace

if TYPE_CHECKING:
    from xpnet.nets.sequential import Sequential

LARGE = 30.0
"""Standardised inputs stay below it; pixels of 0..255 do not."""


def scaling(net: Sequential, x: Array, t: Any, before: InputRange | None) -> Iterator[str]:
    """Yield lines on how integers are scaled; none where they count as they are in any dtype but uint8.

    Parameters
    ----------
    net : Sequential
    x, t : array
        The training data as they were given.
    before : InputRange or None
        The net's input range before it was given them.
    """
    used = net.input_range
    if not is_raw(x) or used is None or (used == AS_GIVEN and dtype_name(x) != "uint8"):
        return
    how = "taken as it is" if used == AS_GIVEN else f"scaled from {used} to 0..1"
    yield f"x is {dtype_name(x)}, and is {how} (net.input_range)"
    alone = chosen_range(x)
    if before is not None and alone not in (None, used, AS_GIVEN):
        yield (
            f"the net had this input range before; these data alone would be scaled from {alone}: set "
            "net.input_range = None before fit to have it chosen anew"
        )
    if not net.lastLayer.takes_classes and is_array(t) and net.scales_target(x, t):
        yield "t holds integers of x's shape, and is scaled as x is"


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
    first = x[: min(rows, x.shape[0]), ...]
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
    if net.classes_ is not None and type(last) is Affine and len(net.classes_) < last.W.shape[1]:
        count, outputs = len(net.classes_), last.W.shape[1]
        yield f"the labels name {count} of the net's {outputs} classes: {listed(net.classes_)}"
    for name in ("input", "loss", "gradient"):
        if is_a_users_own(net, name):
            yield f"the net's own {name} is not called: fit goes by forward, loss_of and backward"
    threads, processors = _threads.chosen(), _threads.available()
    if net.backend.family == "numpy" and threads is not None and threads > processors:
        yield (
            f"{threads} threads are set, processors to run on: {processors}; those that wait for one "
            f"make all others wait: set no more than {processors} (XPNET_NUM_THREADS, xpnet.set_num_threads)"
        )
