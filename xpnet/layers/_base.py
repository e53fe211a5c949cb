"""What every layer is: forward and backward under each other, parameters in cells, no maths of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from xpnet.parameter import Parameter
from xpnet_kernels._arrays import Array, asarray_like, is_array, is_kind, namespace
from xpnet_kernels._plain import plain

if TYPE_CHECKING:
    from xpnet._backends import Backend


class Layer:
    """Base of all layers.

    A layer holds state: its parameters, and what `forward` must remember for `backward`. It calls operations
    for the maths and never asks which backend serves them. `backward` takes dL/d(output), leaves it as it
    was, and returns dL/d(input).

    Parameters
    ----------
    **parameters : array or Parameter
        The trainable arrays by name, e.g. `W=..., b=...`.

    Attributes
    ----------
    parameters : dict of str to Parameter
    training : bool
        False while a net predicts; layers that act differently then (Dropout) look at it.
    """

    config_names: ClassVar[tuple[str, ...]] = ()
    """Constructor arguments besides the parameters, held under the same names; a saved net keeps them."""

    def __init__(self, **parameters: Any) -> None:
        self.training = True
        self.parameters = {
            name: value if isinstance(value, Parameter) else Parameter(value)
            for name, value in parameters.items()
        }

    def __repr__(self) -> str:
        arrays = [f"{name}={tuple(cell.data.shape)}" for name, cell in self.parameters.items()]
        config = [f"{name}={value!r}" for name, value in self.config().items()]
        return f"{type(self).__name__}({', '.join(arrays + config)})"

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Return the layer's output for its inputs, for most layers one array x."""
        layer = type(self).__name__
        raise NotImplementedError(f"{layer} has no forward; define {layer}.forward(self, x), which returns y")

    def backward(self, *gradients: Any, **options: Any) -> Any:
        """Return dL/d(input), given dL/d(output)."""
        layer = type(self).__name__
        raise NotImplementedError(
            f"{layer} has no backward; define {layer}.backward(self, dout), which returns dL/dx"
        )

    def config(self) -> dict[str, Any]:
        """Return the constructor arguments that are not parameters."""
        return {name: getattr(self, name) for name in self.config_names}

    def move(self, backend: Backend, dtype: Any = None) -> None:
        """Put the parameters, and whatever else outlives a training step, on a backend's device."""
        for cell in self.parameters.values():
            cell.move(backend, dtype)

    def restoring(self) -> Callable[[], None]:
        """Return a function that undoes a `move`, also one that stopped halfway."""
        own, cells = dict(vars(self)), [cell.restoring() for cell in self.parameters.values()]

        def restore() -> None:
            vars(self).update(own)
            for cell in cells:
                cell()

        return restore

    def remembered(self, name: str) -> Any:
        """Return what `forward` stored under `name`.

        Raises
        ------
        RuntimeError
            If `forward` has not run yet.
        """
        try:
            return self.__dict__[name]
        except KeyError:
            layer = type(self).__name__
            raise RuntimeError(
                f"{layer}.backward needs what forward remembers; call {layer}.forward first. In a net call "
                "net.loss(x, t, training=True): its predict, and loss without that, leave nothing to it"
            ) from None


def has_own_methods(layer: Layer) -> bool:
    """Return whether somebody gave this very layer another forward or backward than its class has."""
    return "forward" in vars(layer) or "backward" in vars(layer)


def check_gradient(layer: str, dout: Array, shape: tuple[int, ...], names: str = "dout, y") -> None:
    """Raise ValueError unless dL/d(output) has the output's shape; operations would broadcast or reshape it.

    Parameters
    ----------
    layer : str
        The name that the error uses.
    dout : array
    shape : tuple of int
        Of the output that `forward` returned.
    names : str, optional
        What the layer calls the two.
    """
    if tuple(dout.shape) != shape:
        gradient, output = names.split(", ")
        raise ValueError(
            f"{layer}: {gradient} is {tuple(dout.shape)} but {output} is {shape}; they must be equal."
        )


def as_input(x: Any, like: Array | None = None) -> Array:
    """Return `x` as a floating-point array.

    Parameters
    ----------
    x : array, list or number
        Floating-point arrays pass as they are.
    like : array, optional
        Lists, numbers and integer arrays take its dtype, lists and numbers its device too. Without it they
        become float64 NumPy arrays.
    """
    if not is_array(x):
        if like is None:
            return np.asarray(x, dtype=np.float64)
        return asarray_like(x, like, dtype=like.dtype)
    if type(x) is not np.ndarray:
        x = plain(x)
    if is_kind(x, "real floating"):
        return x
    xp = namespace(x)
    return xp.asarray(x, dtype=xp.float64 if like is None else like.dtype)
