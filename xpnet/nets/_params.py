"""`net.params`: the net's parameters by name, as arrays that can be read, changed in place and assigned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any

from xpnet.layers import Layer
from xpnet.parameter import Parameter
from xpnet_kernels._arrays import Array


class Params(MutableMapping[str, Array]):
    """A mapping from names (`W1`, `b1`, ...) to arrays, backed by the cells that the layers hold.

    Reading gives the live array, so `params["W1"] -= lr * g` changes the net; assigning copies values into
    the net's dtype and device. The set of names is fixed by the layers.

    Attributes
    ----------
    cells : dict of str to Parameter
    """

    def __init__(self, cells: dict[str, Parameter]) -> None:
        self.cells = cells

    def __getitem__(self, name: str) -> Array:
        return self._cell(name).data

    def __setitem__(self, name: str, values: Any) -> None:
        try:
            self._cell(name).assign(values)
        except ValueError as error:
            raise ValueError(f"params[{name!r}]: {error}") from None

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"params[{name!r}] cannot be deleted: it belongs to a layer of the net")

    def __iter__(self) -> Iterator[str]:
        return iter(self.cells)

    def __len__(self) -> int:
        return len(self.cells)

    def __repr__(self) -> str:
        lines = [f"{name}: {tuple(cell.data.shape)} {cell.data.dtype}" for name, cell in self.cells.items()]
        return f"Params({', '.join(lines)})"

    def _cell(self, name: str) -> Parameter:
        try:
            return self.cells[name]
        except KeyError:
            raise KeyError(f"the net has no parameter {name!r}; it has {', '.join(self.cells)}") from None


def named_cells(layers: Iterable[Layer]) -> dict[str, Parameter]:
    """Name the cells of all layers: `W1`, `b1` for the first layer that has any, `W2`, `b2` for the next."""
    cells: dict[str, Parameter] = {}
    number = 0
    for layer in layers:
        if layer.parameters:
            number += 1
            for name, cell in layer.parameters.items():
                if (full := f"{name}{number}") in cells:
                    raise ValueError(
                        f"two parameters are called {full!r}: {name!r} of layer {number}, and one whose own "
                        "name ends in a digit; call that otherwise"
                    )
                cells[full] = cell
    return cells
