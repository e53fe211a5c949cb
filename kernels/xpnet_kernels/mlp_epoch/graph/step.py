"""A step as a sequence of launches: about two kernels a layer, where no layer is wide."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from xpnet_kernels import _launch
from xpnet_kernels._arrays import Array, namespace
from xpnet_kernels._cublas import Products
from xpnet_kernels._limits import MOST_BLOCKS
from xpnet_kernels.mlp_epoch.graph import tiles
from xpnet_kernels.mlp_epoch.graph.buffers import Buffers
from xpnet_kernels.mlp_epoch.graph.given import given_blocks, update_given_kernel
from xpnet_kernels.mlp_epoch.graph.head import head_kernel, loss_kernel
from xpnet_kernels.mlp_epoch.graph.layers import (
    activation_kernel,
    backward_kernel,
    derivative_kernel,
    forward_kernel,
    gather_kernel,
)
from xpnet_kernels.mlp_epoch.graph.tiles import Source
from xpnet_kernels.mlp_epoch.graph.update import Rule, penalty_kernel, update_kernel

WIDE = 1 << 25
"""Multiplications of a layer from which on cuBLAS computes its products.

On an H200 the first layer of 784-256-128-10 at batch 128, 26 million, is quicker without: 20.1 ms an epoch
against 22.5. Where exactly the two meet has not been measured.
"""

BLOCKS_DOWN = 64
"""Blocks among which the rows of a matrix are divided at most; each thread takes more than one row then."""

Launch = Callable[[], None]


def are_wide(sizes: Sequence[int], batch_size: int) -> list[bool]:
    """Return for each layer whether cuBLAS computes its products."""
    tall = batch_size > MOST_BLOCKS[1] * tiles.ROWS
    return [tall or batch_size * inputs * outputs >= WIDE for inputs, outputs in itertools.pairwise(sizes)]


class Step:
    """The launches of one step; calling it starts them in the current stream.

    Parameters
    ----------
    x : array (samples, D)
        uint8 or the net's dtype; C-contiguous.
    t : array (samples,), integer
    buffers : Buffers
    codes : sequence of int
        The activation after each layer, NONE after the last.
    rule : Rule
    wide : sequence of bool
    tf32 : bool
        Whether wide products may take TF32.
    """

    def __init__(
        self,
        x: Array,
        t: Array,
        buffers: Buffers,
        codes: Sequence[int],
        rule: Rule,
        wide: Sequence[bool],
        tf32: bool,
    ) -> None:
        self._t, self._buffers, self._codes, self._rule = t, buffers, codes, rule
        self._like = buffers.weights[0]
        one = self._like.dtype.type(1)
        first = Source(x, one / 255 if x.dtype.name == "uint8" else one, True)
        self._sources = [first, *(Source(values, one, False) for values in buffers.values[:-1])]
        self._wide = wide
        self._products = Products(self._like, tf32) if any(wide) else None
        self._launches: list[Launch] = []
        self._add_all()

    def __call__(self) -> None:
        """Start a step in the current stream."""
        if self._products is not None:
            self._products.follow(_launch.current_stream(self._like))
        for launch in self._launches:
            launch()

    def _add_all(self) -> None:
        last = len(self._wide) - 1
        for layer in range(last):
            self._add_forward(layer)
        if last > 0 and not self._wide[last] and self._buffers.values[last].shape[1] <= tiles.LANES:
            self._add_head(last)
        else:
            self._add_forward(last)
            self._add_loss(last)
            if last > 0:
                self._add_backward(last)
        for layer in range(last - 1, 0, -1):
            self._add_backward(layer)
        self._add_update()

    def _add_in_rows(self, kernel: Any, shape: tuple[int, int], *args: Any) -> None:
        """Add a kernel whose threads have a column of a matrix each, and go down its rows."""
        rows, columns = shape
        down = min(_launch.blocks_for(rows, tiles.SLICES), BLOCKS_DOWN)
        grid = _launch.blocks_for(columns, tiles.LANES), down
        self._launches.append(_launch.bound(kernel, grid, (tiles.LANES, tiles.SLICES), *args))

    def _add_in_tiles(self, kernel: Any, shape: tuple[int, int], *args: Any) -> None:
        """Add a kernel of one block for each tile of a matrix."""
        rows, columns = shape
        grid = _launch.blocks_for(columns, tiles.LANES), _launch.blocks_for(rows, tiles.ROWS)
        self._launches.append(_launch.bound(kernel, grid, (tiles.LANES, tiles.SLICES), *args))

    def _add_product(self, a: Array, b: Array, out: Array, **transposed: bool) -> None:
        products = self._products
        assert products is not None
        self._launches.append(lambda: products.multiply(a, b, out, **transposed))

    def _add_forward(self, layer: int) -> None:
        W, y, code = self._buffers.weights[layer], self._buffers.values[layer], self._codes[layer]
        if not self._wide[layer]:
            source = self._sources[layer]
            self._add_in_tiles(forward_kernel, y.shape, self._buffers.batch, source, W, code, y)
            return
        self._add_product(self._input(layer), W[:-1], y)
        if layer < len(self._wide) - 1:  # the last one's bias is added where its loss is computed
            self._add_in_rows(activation_kernel, y.shape, W[-1], code, y)

    def _input(self, layer: int) -> Array:
        """Return a wide layer's input as one matrix; that of the first layer is gathered for it."""
        if layer > 0:
            return self._buffers.values[layer - 1]
        batch, xp = self._buffers.batch, namespace(self._like)
        self._gathered = xp.zeros((batch.size, self._sources[0].x.shape[1]), dtype=self._like.dtype)
        self._add_in_rows(gather_kernel, self._gathered.shape, batch, self._sources[0], self._gathered)
        return self._gathered

    def _add_head(self, last: int) -> None:
        buffers, before = self._buffers, self._buffers.deltas[last - 1]
        shape = buffers.batch.size, 1
        arrays = buffers.weights[last], self._codes[last - 1], buffers.deltas[last], before
        source = self._sources[last]
        self._add_in_tiles(
            head_kernel, shape, buffers.batch, source, self._t, *arrays, buffers.losses.samples
        )

    def _add_loss(self, last: int) -> None:
        buffers, b = self._buffers, self._buffers.weights[last][-1]
        if not self._wide[last]:
            b = namespace(b).zeros_like(b)  # it has been added
        arrays = b, buffers.values[last], buffers.deltas[last], buffers.losses.samples
        grid = _launch.blocks_for(buffers.batch.size, tiles.LANES)  # a row a thread, on many multiprocessors
        self._launches.append(_launch.bound(loss_kernel, grid, tiles.LANES, buffers.batch, self._t, *arrays))

    def _add_backward(self, layer: int) -> None:
        """Add what writes the gradient before the activation that came before a layer."""
        buffers, code = self._buffers, self._codes[layer - 1]
        W, delta = buffers.weights[layer][:-1], buffers.deltas[layer]
        y, before = buffers.values[layer - 1], buffers.deltas[layer - 1]
        if self._wide[layer]:
            self._add_product(delta, W, before, transpose_b=True)
            self._add_in_rows(derivative_kernel, before.shape, code, y, before)
        else:
            source = Source(delta, self._like.dtype.type(1), False)
            self._add_in_tiles(backward_kernel, before.shape, buffers.batch, source, W.T, code, y, before)

    def _add_update(self) -> None:
        buffers = self._buffers
        begin, penalty = 0, buffers.net.tiles.shape[0]
        for layer, W in enumerate(buffers.weights):
            if self._wide[layer]:
                self._add_given(layer, begin, penalty)
                penalty += given_blocks(W)
            begin += W.size
        grid, block = buffers.net.tiles.shape[0] + 1, (tiles.LANES, tiles.SLICES)
        args = buffers.batch, self._sources[0], buffers.net, self._rule, buffers.losses
        self._launches.append(_launch.bound(update_kernel, grid, block, *args))
        if self._rule.weight_decay != 0:
            last = buffers.batch, self._rule, buffers.losses
            self._launches.append(_launch.bound(penalty_kernel, 1, block, *last))

    def _add_given(self, layer: int, begin: int, penalty: int) -> None:
        """Add what takes a wide layer's gradients by cuBLAS, and updates its parameters, from `begin` on."""
        buffers, delta = self._buffers, self._buffers.deltas[layer]
        x = self._gathered if layer == 0 else buffers.values[layer - 1]
        W, gradients, products = buffers.weights[layer], buffers.gradients[layer], self._products
        assert products is not None
        ones = namespace(delta).ones(delta.shape[0], dtype=delta.dtype)
        self._add_product(x, delta, gradients[:-1], transpose_a=True)
        self._launches.append(lambda: products.multiply_vector(ones, delta, gradients[-1]))
        sizes = begin, W[:-1].size, W.size, penalty
        args = buffers.batch, buffers.net, self._rule, buffers.losses, *sizes
        grid, block = given_blocks(W), (tiles.LANES, tiles.SLICES)
        self._launches.append(_launch.bound(update_given_kernel, grid, block, *args))
