"""Where `fit` trains a net: where it is, on a backend that is named, or on the one that measures quickest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from xpnet import _backends
from xpnet._backends import Backend
from xpnet.optimizers import Optimizer
from xpnet.training._announce import say

if TYPE_CHECKING:
    from xpnet.nets.sequential import Sequential


def chosen_backend(
    net: Sequential, x: Any, t: Any, backend: str | Backend | None, measure: bool, **how: Any
) -> Backend | None:
    """Return the backend that a user's choice means, or None to leave the net where it is.

    Parameters
    ----------
    net, x, t, backend, measure
        See `fit`.
    **how
        `batch_size`, `optimizer`, `engine` and `verbose` of `fit`.

    Raises
    ------
    ValueError
        If `measure` is set without `backend="auto"`, or the name is unknown.
    BackendUnavailableError
        If the backend cannot be used here.
    """
    if measure and backend != "auto":
        raise ValueError(
            f"fit: measure=True compares the backends, so it needs backend='auto', got backend={backend!r}; "
            "give backend='auto', or leave measure out"
        )
    if measure:
        # Imported here: it times calls of `fit`.
        from xpnet.training.choice import choose

        choice = choose(net, x, t, crossover=True, **how)
        if how["verbose"]:
            say(str(choice))
        return _backends.find(choice.backend)
    if backend is None:
        return None
    found = _backends.find(backend)
    if backend == "auto" and how["verbose"]:
        say(_backends.describe_auto(found))
    return found


@contextmanager
def unchanged_unless_trained(net: Sequential, optimizer: Optimizer) -> Iterator[None]:
    """If the block fails before a step, forget the input range and the classes that it chose."""
    before, classes, steps = net.input_range, net.classes_, optimizer.steps
    try:
        yield
    except BaseException:
        if optimizer.steps == steps:
            net.input_range, net.classes_ = before, classes
        raise


@contextmanager
def placed(net: Sequential, backend: Backend | None, optimizer: Optimizer) -> Iterator[None]:
    """Put a net on a backend, if one is given; if the block fails before a step, put it back where it was."""
    before, pinned, steps = net.backend, net._pinned, optimizer.steps
    try:
        if backend is not None:
            net.to(backend)
        yield
    except BaseException:
        if backend is not None and optimizer.steps == steps:
            net.to(before)
            net._pinned = pinned
        raise
