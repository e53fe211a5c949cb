"""Divergence: losses, outputs or parameters that are NaN after an epoch, and samples that are the cause."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet._backends import to_numpy
from xpnet._edge import NoAnswerError, chunks
from xpnet.nets._scores import CHUNK, scores_of
from xpnet.nets._stack import is_a_users_own
from xpnet.training._portions import Resident, Streamed
from xpnet_kernels._arrays import Array, is_kind

if TYPE_CHECKING:
    from xpnet.nets import Sequential


class DivergedError(ArithmeticError):
    """A loss is NaN, or a net's output or parameters are after an epoch.

    The net and its optimizer are as the last good epoch left them, or as they were before `fit`.
    """


class NotFiniteError(DivergedError, ValueError):
    """The training data hold NaN or infinity; the error names the sample."""


def check_data(data: Resident | Streamed) -> None:
    """Raise NotFiniteError if a sample or a target is not finite; asked when a run has gone wrong."""
    for name, array in (("x", data.x), ("t", data.t)):
        found = _first_not_finite(array)
        if found is not None:
            (sample, *place), value = found
            index = ", ".join(map(str, (sample, *place)))
            raise NotFiniteError(
                f"{name}[{index}] is {value}: sample {sample} of the training data is not finite; leave such "
                f"samples out, e.g. keep = np.isfinite({name}).reshape(len({name}), -1).all(axis=1), x, t = "
                "x[keep], t[keep]"
            )


def _first_not_finite(array: Array) -> tuple[tuple[int, ...], float] | None:
    if not is_kind(array, "real floating"):
        return None
    for chunk in chunks(array.shape[0], CHUNK):
        values = to_numpy(array[chunk, ...])
        bad = ~np.isfinite(values)
        if bad.any():
            sample, *place = (int(axis[0]) for axis in np.nonzero(bad))
            return (chunk.start + sample, *place), float(values[(sample, *place)])
    return None


def check_losses(losses: list[float], epoch: int) -> None:
    """Raise DivergedError if a loss is NaN."""
    for step, loss in enumerate(losses, start=1):
        if math.isnan(loss) and (epoch, step) == (1, 1):
            raise DivergedError(
                "the loss of the first step is NaN, although the data are finite: the inputs or the initial "
                "weights are so large that they overflow, or the weights hold NaN; check net.params"
            )
        if math.isnan(loss):
            raise DivergedError(
                f"the loss became NaN at step {step} of epoch {epoch}, although the data are finite; lower "
                "the learning rate, and check that the inputs are scaled (0..1)"
            )


def check_parameters(net: Sequential, epoch: int) -> None:
    """Raise DivergedError if a parameter is NaN or infinite after an epoch."""
    for name, array in net.params.items():
        if not np.isfinite(to_numpy(array)).all():
            raise DivergedError(f"{name} is no longer finite after epoch {epoch}; lower the learning rate")


def accuracy_after(net: Sequential, when: str, x: Any, t: Any) -> float:
    """Return the net's accuracy; raise DivergedError where an epoch left the net's output NaN."""
    try:
        return net.accuracy(x, t)
    except NoAnswerError as error:
        raise DivergedError(f"after {when}: {error}; lower the learning rate") from None


def scores_after(net: Sequential, when: str, x: Any, t: Any) -> tuple[float, float | None]:
    """Return loss and accuracy on validation data; raise DivergedError as `accuracy_after`."""
    try:
        loss, accuracy = scores_of(net, x, t)
    except NoAnswerError as error:
        raise DivergedError(f"after {when}: {error}; lower the learning rate") from None
    own = accuracy is not None and is_a_users_own(net, "accuracy")
    return loss, accuracy_after(net, when, x, t) if own else accuracy
