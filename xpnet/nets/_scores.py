"""Loss and accuracy over a data set, a part of the samples at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from xpnet._backends.memory import enough_memory
from xpnet._edge import check_is_an_answer, check_samples, chunks, real_numbers
from xpnet_kernels import _dispatch
from xpnet_kernels._arrays import Array

if TYPE_CHECKING:
    from xpnet.nets.sequential import Sequential

CHUNK = 10_000
"""How many samples go through the net at a time: all may be more than fit on its device."""


class Scores(NamedTuple):
    """Loss, with weight decay, and accuracy of a net over a data set; None for that of a regression."""

    loss: float
    accuracy: float | None


def accuracy_of(net: Sequential, x: Any, t: Any) -> float:
    """Return the share of samples whose predicted class is right; see `Sequential.accuracy`."""
    x, t = real_numbers("x", x), net.labels(t)
    t = real_numbers("t", t)
    samples, right = check_samples(x, t), 0
    with enough_memory(net.backend, "accuracy", "Free other arrays on the device."):
        for chunk in chunks(samples, CHUNK):
            y = net.predict(x[chunk, ...])
            check_is_an_answer("accuracy", y, chunk.start)
            right += _right(net, y, net.target(t[chunk, ...]))
    return right / samples


def scores_of(net: Sequential, x: Any, t: Any) -> Scores:
    """Return loss and accuracy in one pass.

    Raises
    ------
    ValueError
        If the data do not fit each other or the net, or the net's output is NaN.
    """
    x, t = real_numbers("x", x), real_numbers("t", net.labels(t))
    samples, right, total = check_samples(x, t), 0, 0.0
    what = "accuracy" if net.lastLayer.classifies else "loss"
    with enough_memory(net.backend, "validation", "Free other arrays on the device."):
        for chunk in chunks(samples, CHUNK):
            some = x[chunk, ...]
            y = net.predict(some)
            check_is_an_answer(what, y, chunk.start)
            target = net.target(t[chunk, ...], some)
            with net.one_at_a_time, _dispatch.serving(net.backend.engines):
                total += float(net.loss_of(y, target)) * (chunk.stop - chunk.start)
            if net.lastLayer.classifies:
                right += _right(net, y, target)
    return Scores(total / samples, right / samples if net.lastLayer.classifies else None)


def _right(net: Sequential, y: Array, t: Array) -> int:
    return int(net.lastLayer.count_right(y, t))
