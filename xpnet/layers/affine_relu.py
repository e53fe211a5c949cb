"""Affine followed by ReLU, with the forward pass fused into one operation."""

from __future__ import annotations

from typing import Any, TypeGuard, TypeVar

from xpnet.layers._base import Layer, has_own_methods
from xpnet.layers.affine import Affine
from xpnet.layers.relu import Relu
from xpnet_kernels import affine_relu
from xpnet_kernels._arrays import Array

Kind = TypeVar("Kind", bound=Layer)


class AffineRelu(Layer):
    """Runs an `Affine` and the `Relu` after it as one; both keep their own state, as if run alone.

    Parameters
    ----------
    affine : Affine
    relu : Relu
    """

    def __init__(self, affine: Affine, relu: Relu) -> None:
        super().__init__()
        self.affine, self.relu = affine, relu
        self.parameters = affine.parameters

    def forward(self, x: Any) -> Array:
        """Return relu(x W + b); see `Affine.forward`."""
        affine = self.affine
        y, self.relu.mask = affine_relu(affine.flatten(x), affine.W, affine.b)
        self.relu.dtype = y.dtype
        return affine.unflatten(y)

    def backward(self, dout: Any) -> Array:
        """Go back through the ReLU, then through the affine map."""
        return self.affine.backward(self._through_relu(dout))

    def backward_to_parameters(self, dout: Any) -> None:
        """Go back through both, for the parameters' gradients only."""
        self.affine.backward_to_parameters(self._through_relu(dout))

    def _through_relu(self, dout: Any) -> Array:
        return self.relu.backward(self.affine.rows_of(dout))


def is_plain(layer: Layer, kind: type[Kind]) -> TypeGuard[Kind]:
    """Return whether a layer does what its class, `kind`, does."""
    return type(layer) is kind and not has_own_methods(layer)


def fuse(layers: list[Layer]) -> list[Layer]:
    """Return the layers with every Affine and the Relu right after it taken together.

    One that somebody gave a method of its own stays alone, so that the method is called.
    """
    stages: list[Layer] = []
    for layer in layers:
        if stages and is_plain(layer, Relu) and is_plain(stages[-1], Affine):
            stages[-1] = AffineRelu(stages[-1], layer)
        else:
            stages.append(layer)
    return stages
