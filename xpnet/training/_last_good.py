"""Last good state: copies of a net's parameters and optimizer state, restored when an epoch ends in NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xpnet.layers import Layer
from xpnet.optimizers import Optimizer
from xpnet.parameter import Parameter, State
from xpnet_kernels._arrays import Array, namespace

if TYPE_CHECKING:
    from xpnet.nets import Sequential


class LastGood:
    """Copies of what an epoch changes, made anew after each: an epoch may take a quarter of a millisecond.

    Parameters
    ----------
    net : Sequential
    optimizer : Optimizer

    Attributes
    ----------
    words : str
        Which state it is, for an error.
    """

    def __init__(self, net: Sequential, optimizer: Optimizer) -> None:
        self._net, self._optimizer = net, optimizer
        self._layers: list[Layer] = []
        self.keep("as it was before fit")

    def keep(self, words: str) -> None:
        """Copy the net's present state."""
        self.words = words
        layers = list(self._net.layers.values())
        if layers != self._layers or any(cell.data.shape != copy.shape for cell, copy in self._cells):
            self._make_copies(layers)
        for cell, copy in self._cells:
            copy[...] = cell.data
        for state, copies in self._states:
            for name, copy in copies.items():
                copy[...] = state[name]
        self._steps = self._optimizer.steps, [state.steps for state, _ in self._states]
        # Layers replace what they remember of a pass or carry to the next one: the arrays need no copies.
        self._rest = [dict(vars(layer)) for layer in layers]

    def _make_copies(self, layers: list[Layer]) -> None:
        cells = list(self._net.params.cells.values())
        self._layers = layers
        self._cells: list[tuple[Parameter, Array]] = [(cell, _copied(cell.data)) for cell in cells]
        states = [self._optimizer.state_of(cell) for cell in cells]
        self._states: list[tuple[State, dict[str, Array]]] = [
            (state, {name: _copied(array) for name, array in state.items()}) for state in states
        ]

    def put_back(self) -> None:
        """Restore the state that was kept last."""
        for layer, own in zip(self._layers, self._rest, strict=True):
            vars(layer).update(own)
        for cell, copy in self._cells:
            cell.data[...] = copy
        for state, copies in self._states:
            for name, copy in copies.items():
                state[name][...] = copy
        self._optimizer.steps, steps = self._steps
        for (state, _), count in zip(self._states, steps, strict=True):
            state.steps = count


def _copied(array: Array) -> Any:
    return namespace(array).asarray(array, copy=True)
