"""What every layer is: forward and backward under each other, parameters in cells, no maths of its own."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from xpnet.parameter import ArraysOf, Parameter
from xpnet_kernels._arrays import (
    Array,
    asarray_like,
    common_family,
    is_array,
    is_kind,
    namespace,
)
from xpnet_kernels._plain import plain
from xpnet_kernels._scalars import unboxed

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
    params, grads : list of array
        The parameters' arrays and their gradients, as the book's second volume keeps them: change the arrays
        in place. The gradients are zeros at first, and each `backward` fills the same arrays, from the first
        reading of `grads` on. A net copies the arrays of its layers, `net.to` may move them, and assigning to
        a parameter replaces its array: read the lists again after these.
    """

    params, grads = ArraysOf(attrgetter("data")), ArraysOf(Parameter.kept_gradient)

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
        """Return dL/d(input), given dL/d(output), an array of its shape or a number for all elements."""
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


def as_gradient(
    layer: str, dout: Any, shape: tuple[int, ...], like: Array, dtype: Any = None, names: str = "dout, y"
) -> Array:
    """Return dL/d(output) as an array of the output's shape.

    Parameters
    ----------
    layer : str
        The name that errors use.
    dout : array or list of that shape, or a number
        A number, or an array without axes, is the gradient of every element. Floating-point arrays of the
        shape pass as they are.
    shape : tuple of int
        Of the output that `forward` returned.
    like : array
        One on the output's device.
    dtype : dtype, optional
        Of the output; like's by default. Numbers, lists and integer arrays take it.
    names : str, optional
        What the layer calls the two.

    Raises
    ------
    ValueError
        If dout has axes and another shape.
    TypeError
        If it is no number and no array.
    DeviceMismatchError
        If dout and `like` are arrays of two families.
    """
    if type(dout) is type(like) and shape and dout.shape == shape and getattr(dout.dtype, "kind", "") == "f":
        return dout
    return _converted_gradient(layer, dout, shape, like, like.dtype if dtype is None else dtype, names)


def _converted_gradient(
    layer: str, dout: Any, shape: tuple[int, ...], like: Array, dtype: Any, names: str
) -> Array:
    gradient, output = names.split(", ")
    if not is_array(dout) or isinstance(dout, np.generic):
        given, dout = dout, asarray_like(dout, like, dtype=dtype)
        if dout.ndim == 0 and not isinstance(given, int | float | np.number | np.bool):
            raise TypeError(
                f"{layer}: {gradient} is {given!r}; it must be an array like {output}, {shape}, or a number"
            )
    dout = plain(dout)
    xp = common_family(layer, (gradient, output), (dout, like)).xp
    if dout.ndim == 0:
        dout = xp.asarray(xp.broadcast_to(xp.asarray(dout, dtype=dtype), shape), copy=True)
    elif not is_kind(dout, "real floating"):
        dout = xp.asarray(dout, dtype=dtype)
    check_gradient(layer, dout, shape, names)
    return unboxed(dout)


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
