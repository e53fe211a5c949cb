"""Which nets compiled code takes: stacks of Affine and elementwise activations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from xpnet.layers import Affine, Layer, Relu, Sigmoid, Tanh
from xpnet.layers._base import has_own_methods
from xpnet_kernels import Operation, _compiler, _dispatch

if TYPE_CHECKING:
    from xpnet.nets.sequential import Sequential

ACTIVATIONS: dict[type[Layer], str] = {Relu: "relu", Sigmoid: "sigmoid", Tanh: "tanh"}
"""The activations by the name that compiled operations know them by."""


def stack_obstacle(net: Sequential, operation: Operation, what: str, methods: Iterable[str]) -> str | None:
    """Return why an operation on whole stacks cannot take this net, or None if it can.

    Parameters
    ----------
    net : Sequential
    operation : Operation
        `mlp_epoch` or `mlp_forward`.
    what : str
        What the operation computes, in words.
    methods : iterable of str
        The net's methods in whose place the operation works; a subclass may have its own.
    """
    backend, layers = net.backend, list(net.layers.values())
    served = {implementation.engine for implementation in operation.implementations}
    kernels = backend.family == "numpy" and backend.engines is _dispatch.KERNELS
    if kernels and (found := _compiler.check()) is not None:
        return f"no kernel can be compiled: {found.reason}"
    if backend.engines.get(backend.family) not in served:
        return f"the backend {backend.name} has no compiled {what}"
    for index, layer in enumerate(layers):
        expected = (Affine,) if index % 2 == 0 else tuple(ACTIVATIONS)
        if type(layer) not in expected:
            return f"layer {index + 1} is {type(layer).__name__}, not {_either(expected)}"
        if has_own_methods(layer):
            return f"layer {index + 1} has a forward or backward of its own"
    if len(layers) % 2 == 0:
        return "the last layer is no Affine"
    if {cell.data.dtype for cell in net.params.cells.values()} != {net.dtype}:
        return f"not every parameter is {net.dtype}: net.to(dtype='{net.dtype}') makes them so"
    if any(is_a_users_own(net, name) for name in methods):
        return f"{type(net).__name__} has a step of its own"
    return None


def is_a_users_own(net: Sequential, name: str) -> bool:
    """Return whether a method of the net is not the one that this package defines."""
    owner = next(kind for kind in type(net).__mro__ if name in vars(kind))
    return name in vars(net) or owner.__module__.partition(".")[0] != __name__.partition(".")[0]


def _either(kinds: tuple[type[Layer], ...]) -> str:
    return " or ".join(kind.__name__ for kind in kinds)
