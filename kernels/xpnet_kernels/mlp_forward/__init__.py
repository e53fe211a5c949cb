"""A stack of Affine and elementwise activations from input to logits, as one operation."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array, cast, dtype_name
from xpnet_kernels._operation import Sample, operation
from xpnet_kernels._samples import normal
from xpnet_kernels.affine import affine
from xpnet_kernels.mlp_epoch.layout import samples_obstacle
from xpnet_kernels.mlp_forward.cpu import forward_on_cpu
from xpnet_kernels.relu import relu
from xpnet_kernels.sigmoid import sigmoid
from xpnet_kernels.tanh import tanh


@operation(layer="predict")
def mlp_forward(xp: Any, x: Array, *arrays: Array, activations: Sequence[str]) -> Array:
    """Return the logits of a batch: Affine and activation in turn, and an Affine last.

    A kernel may leave out the rows of W whose input is 0; whether they hold NaN or inf does not show then.

    Parameters
    ----------
    x : array (N, D), the parameters' dtype, or uint8 pixels that are scaled to 0..1
    *arrays : array
        W1, b1, W2, b2, ...: (D, H1), (H1,), (H1, H2), (H2,), ...
    activations : sequence of str
        `"relu"`, `"sigmoid"` or `"tanh"` after each Affine but the last.

    Returns
    -------
    array (N, C)
    """
    y = cast(x, dtype_name(arrays[0])) / 255 if dtype_name(x) == "uint8" else x
    for layer, activation in enumerate((*activations, "none")):
        z = affine.reference(xp, y, arrays[2 * layer], arrays[2 * layer + 1])
        y = _FORWARD[activation](xp, z)
    return y


_FORWARD: dict[str, Callable[[Any, Array], Array]] = {
    "relu": lambda xp, z: relu.reference(xp, z)[0],
    "sigmoid": sigmoid.reference,
    "tanh": tanh.reference,
    "none": lambda xp, z: z,
}


@mlp_forward.samples
def _samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    cases: list[tuple[int, list[int], list[str]]] = [
        (1, [5, 3], []),
        (1, [1, 1], []),
        (1, [20, 50, 10], ["relu"]),
        (1, [33, 130, 65, 4], ["sigmoid", "tanh"]),
        (1, [70, 600, 530, 3], ["relu", "tanh"]),
        (0, [4, 3, 2], ["relu"]),
        (3, [9, 17, 16, 11], ["tanh", "relu"]),
        (40, [70, 150, 130, 5], ["relu", "sigmoid"]),
        (517, [11, 70, 8, 5], ["relu", "tanh"]),
        (2100, [70, 70, 3], ["sigmoid"]),
    ]
    for rows, sizes, activations in cases:
        x = normal(rng, (rows, sizes[0]), dtype)
        yield Sample((x, *_parameters(rng, sizes, dtype)), {"activations": tuple(activations)})
    for rows in (2, 300, 700):
        pixels = rng.integers(0, 256, (rows, 30)).astype(np.uint8)
        yield Sample((pixels, *_parameters(rng, [30, 20, 4], dtype)), {"activations": ("relu",)})
    W, b = np.array([[1.0], [1.0]], dtype), np.array([np.nan], dtype)
    yield Sample((np.array([[np.inf, 1.0]], dtype), W, b), {"activations": ()})


def _parameters(rng: np.random.Generator, sizes: list[int], dtype: Any) -> list[Array]:
    parameters = []
    for inputs, outputs in itertools.pairwise(sizes):
        scale = np.sqrt(1 / inputs).astype(dtype)
        parameters += [scale * normal(rng, (inputs, outputs), dtype), normal(rng, (outputs,), dtype)]
    return parameters


def cpu_obstacle(x: Array, W1: Array, *arrays: Array, **options: Any) -> str | None:
    """Return why the CPU kernels cannot take such a batch, or None if they can."""
    return samples_obstacle(x, W1)


mlp_forward.implementation("numba", obstacle=cpu_obstacle)(forward_on_cpu)
