"""What every optimizer is: one operation per parameter and step, its state kept in the parameters' cells."""

from __future__ import annotations

import math
from collections.abc import Mapping, MutableMapping
from typing import Any, ClassVar

from xpnet.parameter import Parameter
from xpnet_kernels import Operation
from xpnet_kernels._arrays import Array, namespace


class Optimizer:
    """Base of all optimizers.

    Parameters
    ----------
    lr : float
        Learning rate, above 0.

    Attributes
    ----------
    lr : float
        May be changed between steps.
    steps : int
        How many updates were made.
    """

    operation: ClassVar[Operation]
    """Computes the new parameter and state: `operation(W, dW, *state, **hyper_parameters, out=...)`."""

    state_names: ClassVar[tuple[str, ...]] = ()
    """The arrays kept per parameter, zero at first, in the operation's order."""

    def __init__(self, lr: float) -> None:
        check_positive(type(self).__name__, lr=lr)
        self.lr = float(lr)
        self.steps = 0
        self._cells: dict[str, Parameter] = {}

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings().items())
        return f"{type(self).__name__}({settings})"

    def settings(self) -> dict[str, float]:
        """Return the constructor's arguments."""
        return {"lr": self.lr}

    def hyper_parameters(self) -> dict[str, float]:
        """Return the operation's options at the current step."""
        return self.settings()

    def update(self, params: MutableMapping[str, Array], grads: Mapping[str, Array]) -> None:
        """Take one step: change every parameter in place.

        Parameters
        ----------
        params : mapping of str to array
            `net.params`, or a dict of arrays.
        grads : mapping of str to array
            The gradient of each, e.g. `net.gradient(x, t)`.

        Raises
        ------
        KeyError
            If a parameter has no gradient; nothing is changed then.
        ValueError
            If a gradient has not its parameter's shape; nothing is changed then.
        """
        _check_gradients(params, grads)
        self.steps += 1
        options = self.hyper_parameters()
        for name in params:
            self._update_cell(self._cell(params, name), grads[name], options)

    def _cell(self, params: MutableMapping[str, Array], name: str) -> Parameter:
        cells: Mapping[str, Parameter] | None = getattr(params, "cells", None)
        if cells is not None:
            return cells[name]
        cell = self._cells.setdefault(name, Parameter(params[name]))
        cell.data = params[name]
        return cell

    def _update_cell(self, cell: Parameter, grad: Array, options: dict[str, float]) -> None:
        state = self.state_of(cell)
        arrays = (cell.data, *state.values())
        type(self).operation(cell.data, grad, *state.values(), **options, out=arrays)

    def state_of(self, cell: Parameter) -> dict[str, Array]:
        """Return the arrays kept for a parameter, zeros at first; they live in its cell and move with it."""
        state = cell.state.get(self)
        if state is None:
            xp = namespace(cell.data)
            state = cell.state[self] = {name: xp.zeros_like(cell.data) for name in self.state_names}
        return state

    def options_ahead(self, steps: int) -> list[dict[str, float]]:
        """Return the operation's options for each of the next steps, and count the steps as made."""
        options = []
        for _ in range(steps):
            self.steps += 1
            options.append(self.hyper_parameters())
        return options


def _check_gradients(params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
    for name in params:
        if name not in grads:
            raise KeyError(f"no gradient for parameter {name!r}; the gradients given are {sorted(grads)}")
        if tuple(grads[name].shape) != tuple(params[name].shape):
            raise ValueError(
                f"the gradient of {name!r} is {tuple(grads[name].shape)} "
                f"but the parameter is {tuple(params[name].shape)}"
            )


def check_positive(owner: str, **values: Any) -> None:
    """Raise ValueError unless every value is a finite number above 0."""
    for name, value in values.items():
        if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
            raise ValueError(f"{owner}: {name} is {value!r}; it must be a finite number above 0.")


def check_share(owner: str, **values: Any) -> None:
    """Raise ValueError unless every value is a number in 0..1, 1 excluded."""
    for name, value in values.items():
        if not (isinstance(value, int | float) and 0 <= value < 1):
            raise ValueError(f"{owner}: {name} is {value!r}; it must be at least 0 and below 1.")
