"""What every optimizer is: one operation per parameter and step, its state kept in the parameters' cells."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, ClassVar

import numpy as np

from xpnet._numbers import check_positive
from xpnet.parameter import Parameter
from xpnet_kernels import Operation, _dispatch
from xpnet_kernels._arrays import (
    Array,
    asarray_like,
    dtype_name,
    family_of,
    is_array,
    is_kind,
    namespace,
    shape_of,
)
from xpnet_kernels._updates import Arrays, store_all


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

    Notes
    -----
    What it keeps lies in the parameters' cells, and so a copy, or one that was pickled, begins anew.
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

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "steps": 0, "_cells": {}}

    def settings(self) -> dict[str, float]:
        """Return the constructor's arguments."""
        return {"lr": float(self.lr)}

    def hyper_parameters(self) -> dict[str, float]:
        """Return the operation's options at the current step."""
        return self.settings()

    def update(self, params: MutableMapping[str, Array], grads: Mapping[str, Array]) -> None:
        """Take one step: change every parameter in place.

        Parameters
        ----------
        params : mapping of str to array
            `net.params`, or a dict of arrays or numbers. What is kept for a dict is kept by name: use one
            optimizer for each dict, and a new one for a new net.
        grads : mapping of str to array
            The gradient of each, e.g. `net.gradient(x, t)`.

        Raises
        ------
        KeyError
            If a parameter has no gradient; nothing is changed then.
        ValueError
            If a gradient has not its parameter's shape; nothing is changed then.
        TypeError
            If a parameter is an array of integers, which no step could change; nothing is changed then.
        MemoryError
            If there is no room for what the optimizer keeps or for new values; nothing is changed then.
        """
        _check_gradients(params, grads)
        self.steps += 1
        try:
            cells = {name: self._cell(params, name) for name in params}
            self._update_cells(cells, grads)
        except MemoryError:
            self.steps -= 1
            raise
        if not hasattr(params, "cells"):
            for name, cell in cells.items():
                if not _in_place(params[name]):
                    params[name] = cell.data[()]

    def _cell(self, params: MutableMapping[str, Array], name: str) -> Parameter:
        cells: Mapping[str, Parameter] | None = getattr(params, "cells", None)
        if cells is not None:
            return cells[name]
        value = params[name] if _in_place(params[name]) else np.array(params[name], dtype=np.float64)
        cell = self._cells.setdefault(name, Parameter(value))
        cell.data = value
        return cell

    def _update_cells(self, cells: Mapping[str, Parameter], grads: Mapping[str, Array]) -> None:
        """Update all cells; whatever asks a device for memory comes before the first change."""
        operation, options, work = type(self).operation, self.hyper_parameters(), []
        for name, cell in cells.items():
            grad = grads[name] if is_array(grads[name]) else asarray_like(grads[name], like=cell.data)
            work.append((grad, (cell.data, *self.state_of(cell).values())))
        if _reference_on_a_device(work):
            values = [operation(kept[0], grad, *kept[1:], **options) for grad, kept in work]
            for (_, kept), new in zip(work, values, strict=True):
                store_all(kept, new)
        else:
            for grad, kept in work:
                operation(kept[0], grad, *kept[1:], **options, out=kept)

    def state_of(self, cell: Parameter) -> dict[str, Array]:
        """Return the arrays kept for a parameter, zeros at first; they live in its cell and move with it."""
        state = cell.state.get(self)
        if state is None or any(array.shape != cell.data.shape for array in state.values()):
            xp = namespace(cell.data)
            state = cell.state[self] = {name: xp.zeros_like(cell.data) for name in self.state_names}
        return state

    def options_ahead(self, steps: int) -> list[dict[str, float]]:
        """Return the operation's options for each of the next steps, and count the steps as made."""
        if type(self).hyper_parameters is Optimizer.hyper_parameters:  # the same at every step
            self.steps += steps
            return [self.settings()] * steps
        options = []
        for _ in range(steps):
            self.steps += 1
            options.append(self.hyper_parameters())
        return options


def _check_gradients(params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
    for name in params:
        if name not in grads:
            raise KeyError(f"no gradient for parameter {name!r}; the gradients given are {sorted(grads)}")
        value = params[name]
        if shape_of(grads[name]) != shape_of(value):
            raise ValueError(
                f"the gradient of {name!r} is {shape_of(grads[name])} but the parameter is {shape_of(value)}"
            )
        if _in_place(value) and not is_kind(value, "real floating"):
            raise TypeError(
                f"the parameter {name!r} is {dtype_name(value)}; make it floating point, "
                f"e.g. params[{name!r}].astype('float32')"
            )


def _reference_on_a_device(work: list[tuple[Array, Arrays]]) -> bool:
    """Return whether the reference serves arrays on a device: it makes new ones, where kernels make none."""
    family = family_of(work[0][0]).name if work else "numpy"
    return family != "numpy" and family not in _dispatch.current()


def _in_place(value: Any) -> bool:
    """Return whether a step can change the value itself: an array, but no number."""
    return is_array(value) and not isinstance(value, np.generic)
