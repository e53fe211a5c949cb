"""The memory of a captured epoch: everything a step reads or writes, allocated once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array, asarray_like, namespace
from xpnet_kernels.mlp_epoch.graph.given import given_blocks
from xpnet_kernels.mlp_epoch.graph.tiles import LANES, Batch
from xpnet_kernels.mlp_epoch.graph.update import FEATURES, TILE_COLUMNS, Losses, Parameters
from xpnet_kernels.mlp_epoch.updates import MOST_NUMBERS

Shape = tuple[int, int]


class Buffers:
    """A flat array for all of a kind, so that one kernel can serve all layers, and views of it by layer.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, then the outputs of each layer.
    batch_size, samples : int
        Samples in a batch, and in an epoch.
    kept : int
        How many arrays the update keeps for each parameter, 0 to 2.
    wide : sequence of bool
        For each layer, whether the vendor's product computes its gradients.
    like : array
        Any array of the device, in the net's dtype.

    Attributes
    ----------
    weights, state0, state1, gradients : list of array (D + 1, H)
        By layer, the last row for the bias; of the states as many as are kept.
    values, deltas : list of array (batch, H)
        What each layer puts out, and the loss's gradient there.
    net : Parameters
    losses : Losses
    batch : Batch
    numbers : array (steps, MOST_NUMBERS)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        batch_size: int,
        samples: int,
        kept: int,
        wide: Sequence[bool],
        like: Array,
    ) -> None:
        self._like = like
        pairs = list(itertools.pairwise(sizes))
        matrices = [(inputs + 1, outputs) for inputs, outputs in pairs]
        outputs = [(batch_size, size) for size in sizes[1:]]
        steps = -(-samples // batch_size)
        tiles = _tiles(pairs, batch_size, wide)
        flat_weights, self.weights = self._in_a_row(matrices)
        flat_state0, self.state0 = self._in_a_row(matrices if kept > 0 else [])
        flat_state1, self.state1 = self._in_a_row(matrices if kept > 1 else [])
        flat_gradients, self.gradients = self._in_a_row(matrices if any(wide) else [])
        flat_values, self.values = self._in_a_row(outputs)
        flat_deltas, self.deltas = self._in_a_row(outputs)
        self.net = Parameters(
            flat_weights, flat_state0, flat_state1, flat_gradients, flat_values, flat_deltas,
            asarray_like(tiles, like),
        )  # fmt: skip
        given = sum(given_blocks(W) for W, is_wide in zip(self.weights, wide, strict=True) if is_wide)
        self.losses = Losses(self._zeros(steps), self._zeros(batch_size), self._zeros(len(tiles) + given))
        self.batch = Batch(self._zeros(samples, "int64"), self._zeros(2, "int64"), batch_size)
        self.numbers = self._zeros((steps, MOST_NUMBERS))

    def _zeros(self, shape: Any, dtype: Any = None) -> Array:
        return namespace(self._like).zeros(shape, dtype=self._like.dtype if dtype is None else dtype)

    def _in_a_row(self, shapes: Sequence[Shape]) -> tuple[Array, list[Array]]:
        """Return a flat array, at least one element long, and views of it in the given shapes."""
        ends = list(itertools.accumulate((rows * columns for rows, columns in shapes), initial=0))
        flat = self._zeros(max(ends[-1], 1))
        pieces = zip(itertools.pairwise(ends), shapes, strict=True)
        return flat, [flat[start:end].reshape(shape) for (start, end), shape in pieces]

    def load(self, arrays: Sequence[Array]) -> None:
        """Copy W1, b1, W2, b2, ..., and then what the update keeps, into the matrices."""
        for array, view in zip(arrays, self._views(), strict=True):
            view[...] = array

    def store(self, arrays: Sequence[Array]) -> None:
        """Copy the matrices out again."""
        for array, view in zip(arrays, self._views(), strict=True):
            array[...] = view

    def _views(self) -> list[Array]:
        matrices = [*self.weights, *self.state0, *self.state1]
        return [view for matrix in matrices for view in (matrix[:-1], matrix[-1])]


def _tiles(pairs: Sequence[Shape], batch_size: int, wide: Sequence[bool]) -> np.ndarray[Any, Any]:
    """Return the table of tiles; see `Parameters`."""
    tiles = []
    weights_at = values_at = deltas_at = 0
    for layer, (inputs, outputs) in enumerate(pairs):
        layer_at = inputs, outputs, weights_at, values_at if layer > 0 else -1, deltas_at
        for row in () if wide[layer] else range(0, inputs + 1, FEATURES):
            tiles += [(*layer_at, row, column) for column in range(0, outputs, LANES)]
        weights_at += (inputs + 1) * outputs
        values_at += batch_size * inputs if layer > 0 else 0
        deltas_at += batch_size * outputs
    return np.array(tiles, dtype=np.int64).reshape(-1, TILE_COLUMNS)
