"""Last good state: copies of a net's parameters and optimizer state, restored when an epoch ends in NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xpnet.optimizers import Optimizer
from xpnet_kernels._arrays import Array, namespace

if TYPE_CHECKING:
    from xpnet.nets import Sequential


class LastGood:
    """Copies of what an epoch changes.

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
        self._copies: list[Array] = []
        self.keep("as it was before fit")

    def keep(self, words: str) -> None:
        """Copy the net's present state."""
        self.words, arrays = words, self._arrays()
        if [array.shape for array in arrays] == [copy.shape for copy in self._copies]:
            for copy, array in zip(self._copies, arrays, strict=True):
                copy[...] = array
        else:
            self._copies = [namespace(array).asarray(array, copy=True) for array in arrays]
        self._steps = self._optimizer.steps, [state.steps for state in self._states()]
        self._rest: list[Any] = [layer.restoring() for layer in self._net.layers.values()]

    def put_back(self) -> None:
        """Restore the state that was kept last."""
        for restore in self._rest:
            restore()
        for array, copy in zip(self._arrays(), self._copies, strict=True):
            array[...] = copy
        self._optimizer.steps, steps = self._steps
        for state, count in zip(self._states(), steps, strict=True):
            state.steps = count

    def _states(self) -> list[Any]:
        return [self._optimizer.state_of(cell) for cell in self._net.params.cells.values()]

    def _arrays(self) -> list[Array]:
        kept = [array for state in self._states() for array in state.values()]
        return [*self._net.params.values(), *kept]
