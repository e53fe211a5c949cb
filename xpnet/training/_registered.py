"""Arrays of a user's own layer that look like weights and are no parameters: no step would train them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet._backends import to_numpy
from xpnet.layers import Layer
from xpnet_kernels._arrays import Array, is_array

Held = dict[tuple[str, str], tuple[Array, Any]]


def arrays_held(layers: Mapping[str, Layer]) -> Held:
    """Return the arrays that layers of a user's own hold as attributes, and copies of their values."""
    return {
        (name, attribute): (value, to_numpy(value).copy())
        for name, layer in layers.items()
        if not type(layer).__module__.startswith("xpnet.")
        for attribute, value in vars(layer).items()
        if attribute != "x" and is_array(value) and value.ndim > 0
    }


def check_registered(layers: Mapping[str, Layer], held: Held) -> None:
    """Raise TypeError if backward left a gradient for an array that is no parameter.

    An array W counts as a weight if the layer holds the same one, unchanged, as before the pass, and `dW` is
    now an array of its shape. What forward remembers is another array after each pass, and a layer that
    trains itself changes its own.

    Parameters
    ----------
    layers : mapping of str to Layer
        After forward and backward.
    held : dict
        What `arrays_held` returned before them.
    """
    for (name, attribute), (array, values) in held.items():
        own = vars(layers[name])
        gradient = own.get(f"d{attribute}")
        if (
            getattr(gradient, "shape", None) == array.shape
            and own.get(attribute) is array
            and np.array_equal(to_numpy(array), values)
        ):
            raise TypeError(_unregistered(name, type(layers[name]).__name__, attribute))


def _unregistered(name: str, kind: str, attribute: str) -> str:
    return (
        f"layer {name!r}: {kind} sets self.{attribute} and self.d{attribute}, but {attribute!r} is no "
        f"parameter, so that no step would train it; call super().__init__({attribute}={attribute}) and "
        f"write in the class: {attribute}, d{attribute} = DataOf({attribute!r}), GradientOf({attribute!r}) "
        "(from xpnet.parameter). If it is to stay as it is, give the gradient another name"
    )
