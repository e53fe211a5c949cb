"""Gradients by numbers: the central difference, and the check of back-propagation against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet._backends import to_numpy
from xpnet.layers import Relu
from xpnet_kernels import _dispatch
from xpnet_kernels._arrays import Array, namespace

if TYPE_CHECKING:
    from xpnet.nets import Sequential

WRONG = 1e-7
"""A difference above this is a wrong gradient."""


def numerical_gradient(f: Callable[[Array], Any], x: Array, h: float = 1e-4) -> Array:
    """Return the gradient of f at x by central differences, (f(x + h) - f(x - h)) / 2h in each element.

    Parameters
    ----------
    f : callable
        Takes x, returns a number. It may ignore its argument and look at x by another name.
    x : array of any shape and family, float
        Changed in place while f is called, and restored bit for bit.
    h : float, optional
        Half the distance of the two points.

    Returns
    -------
    array of x's shape, dtype and family

    Raises
    ------
    TypeError
        If x holds no floating-point numbers: adding h would change nothing.
    """
    xp = namespace(x)
    if not xp.isdtype(x.dtype, "real floating"):
        raise TypeError(
            f"numerical_gradient: x is {x.dtype}; it must be floating point, e.g. x.astype('float64')"
        )
    gradient = xp.zeros_like(x)
    for index in np.ndindex(*x.shape):
        high, low = _values_beside(f, x, index, h)
        gradient[index] = (high - low) / (2 * h)
    return gradient


def _values_beside(
    f: Callable[[Array], Any], x: Array, index: tuple[int, ...], h: float
) -> tuple[float, float]:
    """Return f with x[index] moved up and down by h, and put x[index] back whatever happens."""
    before = x[index].copy() if hasattr(x[index], "copy") else x[index] + 0
    try:
        x[index] = float(before) + h
        high = float(f(x))
        x[index] = float(before) - h
        low = float(f(x))
    finally:
        x[index] = before
    return high, low


@dataclass(frozen=True)
class ParameterCheck:
    """How back-propagation and central difference compare for one parameter.

    Attributes
    ----------
    mean, worst : float
        Mean and largest absolute difference.
    index : tuple of int
        Where the largest stands.
    backprop, numerical : float
        The two gradients there.
    on_kink : bool
        Whether a ReLU switches between the two points of that difference: the central difference then means
        nothing, and the gradient may be right all the same.
    """

    mean: float
    worst: float
    index: tuple[int, ...]
    backprop: float
    numerical: float
    on_kink: bool

    @property
    def passed(self) -> bool:
        """Whether the worst difference is small, or sits on a ReLU kink and the mean is small."""
        return self.worst <= WRONG or (self.on_kink and self.mean <= WRONG)

    def __str__(self) -> str:
        verdict = "ok" if self.passed else "WRONG"
        kink = ", on a ReLU kink" if self.on_kink else ""
        return (
            f"{verdict}: mean {self.mean:.1e}, worst {self.worst:.1e} at {list(self.index)} "
            f"(back-propagation {self.backprop:.6g}, by numbers {self.numerical:.6g}{kink})"
        )


class GradientReport(dict[str, ParameterCheck]):
    """A `ParameterCheck` for each parameter; prints as a table."""

    @property
    def passed(self) -> bool:
        """Whether every parameter passed."""
        return all(check.passed for check in self.values())

    def __str__(self) -> str:
        return "\n".join(f"{name:<4} {check}" for name, check in self.items())


def by_differences(net: Sequential, x: Array, t: Array) -> dict[str, Array]:
    """Return the gradient of a net's loss for every parameter by central differences, Dropout off.

    Each loss is taken from the state in which the layers are now: a recurrent one may carry it on. They are
    left in that state.
    """
    undo = [layer.restoring() for layer in net.layers.values()]

    def loss(_: Array) -> Array:
        value = net.loss(x, t)
        for put_back in undo:
            put_back()
        return value

    return {name: numerical_gradient(loss, array) for name, array in net.params.items()}


def gradient_check(net: Sequential, x: Any, t: Any) -> GradientReport:
    """Compare back-propagation with central differences, parameter by parameter.

    The check runs on a float64 twin of the net, on the net's backend, with Dropout off: in float32 the
    difference of two losses is all rounding. Cost: two forward passes for each number in the net.

    Parameters
    ----------
    net : Sequential
        Not changed.
    x, t : array
        A few samples, as for `net.loss`.

    Returns
    -------
    GradientReport
        Print it; `report.passed` says whether every difference is below 1e-7.

    Raises
    ------
    TypeError
        If `net` is no net.
    """
    from xpnet.nets import Sequential

    if not isinstance(net, Sequential):
        raise TypeError(
            f"gradient_check needs a net, got {type(net).__name__}; put a layer into one: "
            "xpnet.nets.Sequential([layer], loss=...)"
        )
    twin = net.copy(dtype="float64")
    x, t = twin.input(x), twin.target(t)
    with _dispatch.serving(twin.backend.engines):
        by_numbers = {name: to_numpy(grad) for name, grad in by_differences(twin, x, t).items()}
        by_backprop = {
            name: to_numpy(grad).copy() for name, grad in twin.gradient(x, t, training=False).items()
        }
        report = GradientReport()
        for name, numerical in by_numbers.items():
            difference = np.abs(numerical - by_backprop[name])
            index = tuple(int(i) for i in np.unravel_index(np.argmax(difference), difference.shape))
            report[name] = ParameterCheck(
                mean=float(difference.mean()),
                worst=float(difference[index]),
                index=index,
                backprop=float(by_backprop[name][index]),
                numerical=float(numerical[index]),
                on_kink=_on_kink(twin, x, twin.params[name], index),
            )
    return report


def _on_kink(net: Sequential, x: Array, parameter: Array, index: tuple[int, ...], h: float = 1e-4) -> bool:
    """Return whether moving one parameter from -h to +h switches any ReLU."""
    masks: list[list[Any]] = []

    def note_masks(_: Array) -> float:
        net.forward(x, training=False)
        masks.append([to_numpy(layer.mask) for layer in net.layers.values() if isinstance(layer, Relu)])
        return 0.0

    _values_beside(note_masks, parameter, index, h)
    high, low = masks
    return any(bool(np.any(up != down)) for up, down in zip(high, low, strict=True))
