"""A fully connected net of any depth (book, volume 1, section 6.2 and its MultiLayerNet)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet import random
from xpnet.layers import Affine, Layer
from xpnet.nets import _stack
from xpnet.nets._initial import affine_arrays, weight_scale
from xpnet.nets.sequential import Sequential

ACTIVATIONS = {name: kind for kind, name in _stack.ACTIVATIONS.items()}
"""The activations by name."""


class MultiLayerNet(Sequential):
    """Affine and activation in turn, an Affine at the end, and SoftmaxWithLoss last.

    Parameters
    ----------
    input_size : int
    hidden_size_list : sequence of int
        The width of each hidden layer; empty for a linear classifier.
    output_size : int
        The number of classes.
    activation : str, optional
        `"relu"`, `"sigmoid"` or `"tanh"`.
    weight_init_std : float or str, optional
        Standard deviation of the initial weights, or a rule: `"relu"` or `"he"` for √(2 / D), `"sigmoid"`
        or `"xavier"` for √(1 / D), D being the layer's number of inputs.
    weight_decay_lambda : float, optional
        λ of the penalty ½ λ Σ W², part of the loss.
    seed : int, optional
        Of the initial weights; the same seed gives the same weights on every backend. By default they come
        from xpnet's generator (`xpnet.seed`).
    dtype : dtype, optional
        `"float32"` or `"float64"`.

    Raises
    ------
    ValueError
        If a size is below 1, or the activation or the rule is unknown.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: float | str = "relu",
        weight_decay_lambda: float = 0.0,
        *,
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        if isinstance(hidden_size_list, int):
            raise TypeError(f"hidden_size_list is {hidden_size_list}; give a list, e.g. [{hidden_size_list}]")
        sizes = [input_size, *hidden_size_list, output_size]
        if any(not isinstance(size, int | np.integer) or size < 1 for size in sizes):
            raise ValueError(
                f"{type(self).__name__}: sizes are {sizes}; each must be a whole number above 0."
            )
        if not isinstance(activation, str) or activation.lower() not in ACTIVATIONS:
            raise ValueError(f"unknown activation {activation!r}; choose one of {', '.join(ACTIVATIONS)}")
        layers: list[Layer] = []
        draw = random.generator(seed)
        for inputs, outputs in itertools.pairwise(sizes):
            layers.append(
                Affine(*affine_arrays(draw, inputs, outputs, weight_scale(weight_init_std, inputs)))
            )
            layers.append(ACTIVATIONS[activation.lower()]())
        super().__init__(layers[:-1], weight_decay_lambda=weight_decay_lambda, dtype=dtype)
