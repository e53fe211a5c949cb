"""What every optimizer is: one operation per parameter and step, its state kept in the parameters' cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, ClassVar

import numpy as np

from xpnet._numbers import check_positive
from xpnet.parameter import Parameter, State
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
from xpnet_kernels._plain import plain
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
        How many updates were made, of whichever net.
    step : int
        The number of the update in hand among those of its parameters, from 1.

    Notes
    -----
    State (moments and the number of updates) is stored with the parameters. Another net begins anew, and so
    do copies of an optimizer and unpickled ones.
    """

    operation: ClassVar[Operation]
    """Computes the new parameter and state: `operation(W, dW, *state, **hyper_parameters, out=...)`."""

    state_names: ClassVar[tuple[str, ...]] = ()
    """The arrays kept per parameter, zero at first, in the operation's order."""

    def __init__(self, lr: float) -> None:
        check_positive(type(self).__name__, lr=lr)
        self.lr = float(lr)
        self.steps = self.step = 0
        self._cells: dict[str, Parameter] = {}

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings().items())
        return f"{type(self).__name__}({settings})"

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "steps": 0, "step": 0, "_cells": {}}

    def settings(self) -> dict[str, float]:
        """Return the constructor's arguments."""
        return {"lr": float(self.lr)}

    def hyper_parameters(self) -> dict[str, float]:
        """Return the operation's options for the update number `self.step` of a parameter."""
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
            If a parameter is an array of integers or read-only, which no step could change; nothing is
            changed then.
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
        for cell in cells.values():
            cell.state[self].steps += 1
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
        operation, work, options = type(self).operation, [], {}
        for name, cell in cells.items():
            grad = grads[name] if is_array(grads[name]) else asarray_like(grads[name], like=cell.data)
            state = self.state_of(cell)
            step = state.steps + 1
            if step not in options:
                options[step] = self._options_at(step)
            work.append((plain(grad), (cell.data, *state.values()), options[step]))
        if _reference_on_a_device(work):
            values = [operation(kept[0], grad, *kept[1:], **numbers) for grad, kept, numbers in work]
            for (_, kept, _), new in zip(work, values, strict=True):
                store_all(kept, new)
        else:
            for grad, kept, numbers in work:
                operation(kept[0], grad, *kept[1:], **numbers, out=kept)

    def _options_at(self, step: int) -> dict[str, float]:
        self.step = step
        return self.hyper_parameters()

    def state_of(self, cell: Parameter) -> State:
        """Return what is kept for a parameter, zeros at first; it lives in its cell and moves with it."""
        state = cell.state.get(self)
        if state is None or any(array.shape != cell.data.shape for array in state.values()):
            xp = namespace(cell.data)
            state = State({name: xp.zeros_like(cell.data) for name in self.state_names})
            cell.state[self] = state
        return state

    @property
    def counts(self) -> bool:
        """Whether the operation's options differ from one update of a parameter to the next."""
        return type(self).hyper_parameters is not Optimizer.hyper_parameters

    def steps_of(self, cells: Iterable[Parameter]) -> set[int]:
        """Return how many updates of this optimizer the parameters have had; mostly one number."""
        return {cell.state[self].steps if self in cell.state else 0 for cell in cells}

    def count_updates(self, states: Iterable[State], count: int) -> None:
        """Count updates that compiled code has made to all of a net's parameters."""
        self.steps += count
        for state in states:
            state.steps += count

    def options_ahead(self, count: int, made: int) -> list[dict[str, float]]:
        """Return the operation's options for the next `count` updates of parameters that have had `made`."""
        if not self.counts:
            return [self.settings()] * count
        return [self._options_at(step) for step in range(made + 1, made + count + 1)]


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
        if isinstance(value, np.ndarray) and not value.flags.writeable:
            raise TypeError(
                f"the parameter {name!r} is read-only, so that no step can change it; give a copy: "
                f"params[{name!r}].copy()"
            )


def _reference_on_a_device(work: list[tuple[Array, Arrays, Any]]) -> bool:
    """Return whether the reference serves arrays on a device: it makes new ones, where kernels make none."""
    family = family_of(work[0][0]).name if work else "numpy"
    return family != "numpy" and family not in _dispatch.current()


def _in_place(value: Any) -> bool:
    """Return whether a step can change the value itself: an array, but no number."""
    return is_array(value) and not isinstance(value, np.generic)
