"""The cell that holds one trainable array, shared by the layer, the net and the optimizer."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from xpnet_kernels._arrays import Array, asarray_like, family_of, is_array, namespace, shape_of
from xpnet_kernels._plain import plain

if TYPE_CHECKING:
    from xpnet._backends import Backend
    from xpnet.layers._base import Layer
    from xpnet.optimizers._base import Optimizer


class State(dict[str, Array]):
    """What one optimizer keeps for one parameter: arrays by name (velocity, moments), zeros at first.

    Attributes
    ----------
    steps : int
        How many updates it has made to the parameter.
    """

    steps = 0


class Parameter:
    """A trainable array, its gradient, and what optimizers remember about it.

    Layer, net and optimizer hold the same cell, so that whoever replaces an array replaces it for all.
    Replacing a layer's arrays while an optimizer holds the old ones would train dead arrays without an error.

    Parameters
    ----------
    data : array, list or number
        An array is held as it is, not copied; anything else becomes a float64 NumPy array.

    Attributes
    ----------
    data : array
    grad : array of data's shape, or None before the first backward pass
    state : mapping of Optimizer to State
        What each living optimizer keeps for this parameter.
    """

    _grad: Array | None = None
    _kept: Array | None = None

    def __init__(self, data: Any) -> None:
        if not is_array(data):
            data = np.asarray(data, dtype=np.float64)
        data = plain(data)
        if family_of(data).name == "numpy" and data.dtype.kind in "biu":
            data = data.astype(np.float64)
        self.data: Array = data
        self.state: WeakKeyDictionary[Optimizer, State] = WeakKeyDictionary()

    def __repr__(self) -> str:
        return f"Parameter(shape={self.data.shape}, dtype={self.data.dtype})"

    def __getstate__(self) -> dict[str, Any]:
        # What optimizers keep is theirs: they are not pickled along.
        return {"data": self.data, "grad": self._grad, "kept": self._kept}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        self.data, self.state = _writable(kept["data"]), WeakKeyDictionary()
        self._grad, self._kept = kept["grad"], kept.get("kept")

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        twin = Parameter(copy.deepcopy(self.data, memo))
        twin._grad, twin._kept = copy.deepcopy((self._grad, self._kept), memo)
        for optimizer, arrays in self.state.items():
            twin.state[optimizer] = copy.deepcopy(arrays, memo)
        return twin

    @property
    def grad(self) -> Array | None:
        """The gradient; None before the first backward pass."""
        return self._grad

    @grad.setter
    def grad(self, values: Any) -> None:
        kept = self._kept
        if kept is None or values is None:
            self._grad = values
            return
        if shape_of(values) != tuple(kept.shape):
            raise ValueError(
                f"expected a gradient of its parameter's shape {tuple(kept.shape)}, got {shape_of(values)}"
            )
        if values is not kept:
            kept[...] = asarray_like(values, like=kept, dtype=kept.dtype)
        self._grad = kept

    def kept_gradient(self) -> Array:
        """Return an array that each gradient is copied into from now on.

        Returns
        -------
        array of data's shape and dtype
            The gradient, or zeros while there is none. The same array each time, until `move`.
        """
        if self._kept is None:
            self._kept = namespace(self.data).zeros_like(self.data)
            self.grad = self._grad
        return self._kept

    def assign(self, values: Any) -> None:
        """Take new values in the dtype and on the device of the old ones; arrays are copied.

        Parameters
        ----------
        values : array of data's shape, or `data` itself after an update in place

        Raises
        ------
        ValueError
            If the shape differs.
        """
        if values is self.data:
            return
        values = plain(values)
        shape = tuple(np.shape(values))
        if shape != tuple(self.data.shape):
            raise ValueError(f"expected a parameter of shape {tuple(self.data.shape)}, got {shape}")
        if is_array(values) and family_of(values) is family_of(self.data):
            self.data = family_of(values).xp.asarray(values, dtype=self.data.dtype, copy=True)
        else:
            from xpnet._backends import to_numpy

            self.data = asarray_like(to_numpy(values), like=self.data, dtype=self.data.dtype)

    def restoring(self) -> Callable[[], None]:
        """Return a function that puts back what the cell holds now."""
        data, grad, kept = self.data, self._grad, self._kept
        state = [(arrays, dict(arrays), arrays.steps) for arrays in self.state.values()]

        def restore() -> None:
            self.data, self._grad, self._kept = data, grad, kept
            for arrays, before, steps in state:
                arrays.update(before)
                arrays.steps = steps

        return restore

    def move(self, backend: Backend, dtype: Any = None) -> None:
        """Put the data, the gradient and the optimizers' arrays on a backend's device."""
        self.data = backend.asarray(self.data, dtype)
        kept = self._kept
        if kept is not None:
            self._kept = backend.asarray(kept, dtype)
        if self._grad is not None:
            self._grad = backend.asarray(self._grad, dtype) if kept is None else self._kept
        for arrays in self.state.values():
            for name, array in arrays.items():
                arrays[name] = backend.asarray(array, dtype)


def _writable(array: Array) -> Array:
    """Return an array that steps can change: a copy of a read-only one, as joblib maps it from a file."""
    array = plain(array)
    if isinstance(array, np.ndarray) and not array.flags.writeable:
        return array.copy()
    return array


class DataOf:
    """Attribute of a layer that reads and writes the array of one of its parameters, e.g. `layer.W`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, layer: Layer, owner: type | None = None) -> Array:
        return self if layer is None else layer.parameters[self.name].data

    def __set__(self, layer: Layer, values: Any) -> None:
        layer.parameters[self.name].assign(values)


class GradientOf:
    """Attribute of a layer that reads and writes the gradient of one of its parameters, e.g. `layer.dW`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, layer: Layer, owner: type | None = None) -> Array:
        return self if layer is None else layer.parameters[self.name].grad

    def __set__(self, layer: Layer, values: Array) -> None:
        layer.parameters[self.name].grad = values


class ArraysOf:
    """Attribute of a layer: a list of one array for each parameter, in the order of the constructor.

    A layer may set a list of its own under the name: it then takes this one's place.

    Parameters
    ----------
    read : callable
        Takes a Parameter and returns the array.
    """

    def __init__(self, read: Callable[[Parameter], Array]) -> None:
        self.read = read

    def __get__(self, layer: Layer, owner: type | None = None) -> Any:
        return self if layer is None else [self.read(cell) for cell in layer.parameters.values()]
