"""What becomes of a run whose numbers are none any more: found after each epoch, and said where and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xpnet._edge import NoAnswerError

if TYPE_CHECKING:
    from xpnet.nets import Sequential


class DivergedError(ArithmeticError):
    """A loss is NaN, of the first step or a later one, or a net's output is after an epoch.

    The net's weights hold NaN then: make or load a net anew.
    """


USELESS = "The weights are of no use any more: make the net anew, or load a saved one"


def check_not_diverged(losses: list[float], epoch: int) -> None:
    """Raise DivergedError if a loss is NaN; that of the very first step no learning rate can have made so."""
    for step, loss in enumerate(losses, start=1):
        if loss == loss:
            continue
        if (epoch, step) == (1, 1):
            raise DivergedError(
                "the loss of the first step is NaN: the inputs, the targets or the weights given hold NaN or "
                "inf, or are so large that they overflow; check np.isfinite of x and t, and the initial "
                f"weights. {USELESS}"
            )
        raise DivergedError(
            f"the loss became NaN at step {step} of epoch {epoch}; lower the learning rate, and check "
            f"that the inputs are scaled (0..1) and hold no NaN. {USELESS}"
        )


def accuracy_after(net: Sequential, when: str, x: Any, t: Any) -> float:
    """Return the net's accuracy; raise DivergedError where an epoch's last step left it without an answer."""
    try:
        return net.accuracy(x, t)
    except NoAnswerError as error:
        raise DivergedError(f"after {when}: {error}; lower the learning rate. {USELESS}") from None
