"""The compiled way from input to logits, kept between calls for as long as it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet import _backends
from xpnet._input_range import PIXELS
from xpnet.nets._stack import ACTIVATIONS, stack_obstacle
from xpnet_kernels import mlp_forward
from xpnet_kernels._arrays import Array, as_taken
from xpnet_kernels.mlp_forward.cpu import Forward

if TYPE_CHECKING:
    from xpnet.nets.sequential import Sequential

_BYTES = np.dtype(np.uint8)
_METHODS = ("input", "forward", "loss", "loss_of", "backward", "gradient")
"""A user's own of these may count on what the layers remember of `predict`, as the book's do."""

_REMEMBERED = ("x", "input_shape", "mask", "y")


class CompiledForward:
    """A net's compiled way, made when first needed and again once the net is no longer what it was.

    A copy of the net, or a pickled one, starts without: the way holds on to the arrays of this net.
    """

    def __init__(self) -> None:
        self._route: _Route | None = None

    def __reduce__(self) -> tuple[type[CompiledForward], tuple[()]]:
        return CompiledForward, ()

    def logits(self, net: Sequential, x: Any) -> Array | None:
        """Return the logits of a batch, or None where the layers must compute them (or say what is wrong).

        No state is kept, so threads may call this at once. What the layers remember of a pass before is
        dropped: a `backward` of theirs would take it for this pass.

        Parameters
        ----------
        net : Sequential
            The net that this belongs to.
        x : array, list or number
            As for `Sequential.predict`.
        """
        route = self._route
        if route is None or not route.holds(net):
            self._route = None
            route = _find_route(net)
            if route is None:
                return None
            if not route.forward.copied:
                self._route = route
        if (
            type(x) is np.ndarray
            and (x.dtype is route.dtype or (x.dtype is _BYTES and net._input_range is PIXELS))
            and x.flags.carray
            and len(shape := x.shape) == 2
            and shape[1] == route.inputs
            and shape[0]
        ):
            y = route.run(x)
        else:
            y = _converted(net, route.forward, x)
            if y is None:
                return None
        if "x" in route.first:
            _forget(net, route)
        return y


class _Route:
    """Compiled code made for a net, and everything that it was made for.

    Parameters
    ----------
    net : Sequential
        `stack_obstacle` must be None.
    """

    def __init__(self, net: Sequential) -> None:
        self.pinned, self.current, self.dtype = net._pinned, _backends.current(), net.dtype
        self.layers, self.own = list(net.layers.values()), len(vars(net))
        self.attributes = [vars(layer) for layer in self.layers]  # by them the check costs half
        self.first = self.attributes[0]
        self.affines = [
            (own, own["parameters"]["W"].data, own["parameters"]["b"].data) for own in self.attributes[::2]
        ]
        self.forward = Forward(
            [array for _, W, b in self.affines for array in (W, b)],
            [ACTIVATIONS[type(layer)] for layer in self.layers[1::2]],
        )
        self.run, self.inputs = self.forward.logits, self.forward.inputs

    def holds(self, net: Sequential) -> bool:
        """Return whether the net is what it was: its backend, its dtype, its layers and their arrays."""
        if (
            net._pinned is not self.pinned
            or _backends.current() is not self.current
            or net.dtype is not self.dtype
            or len(vars(net)) != self.own  # one of them may be a method
            or [*net.layers.values()] != self.layers  # layers are equal only to themselves
        ):
            return False
        for own in self.attributes:
            if "forward" in own:
                return False
        for own, W, b in self.affines:
            cells = own["parameters"]
            if cells["W"].data is not W or cells["b"].data is not b:
                return False
        return True


def _find_route(net: Sequential) -> _Route | None:
    if stack_obstacle(net, mlp_forward, "forward pass", _METHODS) is not None:
        return None
    try:
        return _Route(net)
    except ValueError:  # shapes that do not fit; the layers say which
        return None


def _converted(net: Sequential, forward: Forward, x: Any) -> Array | None:
    """Return the logits of a batch in any form, or None if it does not fit the net."""
    x = net.placed(x)
    rows = x.shape[0] if x.ndim > 1 else 1
    if rows == 0 or x.size != rows * forward.inputs:
        return None
    y = forward.logits(as_taken(x.reshape(rows, forward.inputs)))
    return y if x.ndim > 1 else y[0, :]


def _forget(net: Sequential, route: _Route) -> None:
    with net.one_at_a_time:
        for layer in route.layers:
            for name in _REMEMBERED:
                vars(layer).pop(name, None)
