"""Where everything of an epoch lies: flat buffers, and a table of what begins where.

One buffer for all layers makes the compiled code the same for every depth and width. Weights are kept
transposed, (H, D): the products of all three passes then read memory in one direction.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit
from xpnet_kernels._rows import addresses, aligned_zeros, bring_back, lay_out, row_length, tile_multiple
from xpnet_kernels._simd import lanes, vector_bytes
from xpnet_kernels.mlp_epoch.listed import panel_length, panels_of, sums_length

# Columns of the plan. Row l describes layer l; a last row describes what the last layer puts out.
INPUTS, STRIDE, WEIGHTS_AT, BIASES_AT, VALUES_AT = range(5)


class Net(NamedTuple):
    """The buffers of a net while an epoch runs.

    Attributes
    ----------
    plan : array (layers + 1, 5), int64
        Per layer: inputs D, elements from one row of its matrix, and of its input, to the next, and where its
        matrix, its bias and its input begin. (The input of a first layer with records has no rows.)
    rows : int
        How many samples the buffers hold: a piece of a batch, or a block and a tile, in whole tiles.
    listed : bool
        Whether the first layer goes by its samples' records.
    weights, gradients, weight_state0, weight_state1 : array
        Per layer Wᵀ, (H, D), in whole tiles; of a first layer with records the panels of W, see `listed.py`.
    biases, bias_state0, bias_state1 : array
        Per layer (H,), filled up to whole tiles.
    bias_gradients : array (workers, n)
        The same, apart for each worker: two that write to one cache line keep each other waiting.
    bias_sums : array (workers, n), float64
        The same where a batch has more than LONGEST samples: those of so many are added up here.
    inputs : array (workers, rows, D in whole tiles)
        The piece, where its samples have no records and cannot be read as they lie; each worker gathers it
        for itself: that is sooner done than fetched from another core.
    input_rows, ahead : array (workers, rows), int64
        The addresses of the samples of the piece, or of their records, as each worker reads it, and of those
        of the next.
    ahead_ends : array (workers, rows), int64
        Where the records of the next piece end.
    sums : array (workers, n)
        Room for each worker's sums over the samples, see `listed.add_outer_products`; empty without records.
    value_rows : array (copies, layers + 1, rows), int64
        The addresses of the rows of `values`, without the first layer's.
    weight_rows : array (n,), int64
        The addresses of the rows of `weights`, at the places of the biases.
    values : array (copies, n)
        The input of each layer but the first, (rows, D). An epoch has two, for this piece and the next in
        turns: a thread may begin one while another ends the one before.
    deltas : array (n,)
        The loss's gradient at the same places.
    """

    plan: Array
    rows: int
    listed: bool
    weights: Array
    gradients: Array
    weight_state0: Array
    weight_state1: Array
    biases: Array
    bias_gradients: Array
    bias_sums: Array
    bias_state0: Array
    bias_state1: Array
    inputs: Array
    input_rows: Array
    ahead: Array
    ahead_ends: Array
    sums: Array
    value_rows: Array
    weight_rows: Array
    values: Array
    deltas: Array


def make_plan(sizes: Sequence[int], rows: int, dtype: Any, listed: bool) -> tuple[Array, int, int, int]:
    """Return the plan, and how long the buffers of matrices, biases and values must be."""
    plan = np.zeros((len(sizes), 5), dtype=np.int64)
    weights_at = biases_at = values_at = 0
    for layer, (inputs, outputs) in enumerate(itertools.pairwise([*sizes, 0])):
        if listed and layer == 0:
            rows_of_matrix, stride = -(-outputs // lanes(dtype)), panel_length(inputs, dtype)
        else:
            rows_of_matrix, stride = tile_multiple(outputs), row_length(inputs, dtype)
        plan[layer] = inputs, stride, weights_at, biases_at, values_at
        weights_at += rows_of_matrix * stride
        biases_at += tile_multiple(outputs)
        values_at += rows * stride if layer else 0
    return plan, weights_at, biases_at, values_at


def make_net(
    sizes: Sequence[int], batch_size: int, workers: int, dtype: Any, listed: bool = False, copies: int = 2
) -> Net:
    """Return buffers of zeros for a net of the given widths, with so many copies of the values."""
    rows = tile_multiple(batch_size)
    plan, weights, biases, values = make_plan(sizes, rows, dtype, listed)
    net = Net(
        plan=plan,
        rows=rows,
        listed=listed,
        weights=aligned_zeros(weights, dtype),
        gradients=aligned_zeros(weights, dtype),
        weight_state0=aligned_zeros(weights, dtype),
        weight_state1=aligned_zeros(weights, dtype),
        biases=aligned_zeros(biases, dtype),
        bias_gradients=_zeros((workers, row_length(biases, dtype)), dtype),
        bias_sums=_zeros((workers, row_length(biases, np.float64)), np.float64),
        bias_state0=aligned_zeros(biases, dtype),
        bias_state1=aligned_zeros(biases, dtype),
        inputs=_zeros((workers, 0 if listed else rows, int(plan[0, STRIDE])), dtype),
        input_rows=np.zeros((workers, rows), dtype=np.int64),
        ahead=np.zeros((workers, rows), dtype=np.int64),
        ahead_ends=np.zeros((workers, rows), dtype=np.int64),
        sums=_zeros((workers, sums_length(dtype) if listed else 0), dtype),
        value_rows=np.zeros((copies, len(sizes), rows), dtype=np.int64),
        weight_rows=np.zeros(biases, dtype=np.int64),
        values=_zeros((copies, values), dtype),
        deltas=aligned_zeros(values, dtype),
    )
    _note_addresses(net)
    return net


def _zeros(shape: tuple[int, ...], dtype: Any) -> Array:
    return aligned_zeros(math.prod(shape), dtype).reshape(shape)


def samples_obstacle(x: Array, W: Array) -> str | None:
    """Return why the kernels cannot read samples for a first layer W, or None if they can.

    They take what has one byte for pixels.
    """
    if x.dtype != np.uint8 and x.dtype.kind != "f":
        return f"the samples are {x.dtype}, not uint8 or floating point"
    if x.ndim != 2 or x.shape[1] != W.shape[0]:
        return f"the samples are {tuple(x.shape)} but W is {tuple(W.shape)}"
    return None


def read_in_place(x: Array, dtype: Any) -> bool:
    """Return whether products can read contiguous samples where they lie.

    They have to be of the net's dtype and of whole vectors, and begin where a vector may: one that lies in
    two cache lines takes two reads, which is slower than a copy of each batch.
    """
    whole = x.shape[1] % lanes(dtype) == 0 and x.ctypes.data % vector_bytes() == 0
    return bool(x.dtype == dtype and whole)


def _note_addresses(net: Net) -> None:
    """Fill in the addresses that stay the same for all steps."""
    for layer in range(1, len(net.plan)):
        for rows, values in zip(net.value_rows, net.values, strict=True):
            rows[layer] = addresses(_view(values, samples(net, layer)))
        if net.listed and layer == 1:
            continue  # nobody goes back through the first layer
        outputs = net.plan[layer, INPUTS]
        rows_of_W = addresses(_view(net.weights, matrix(net, layer - 1)))
        net.weight_rows[_units(net, layer - 1)] = rows_of_W[:outputs]


@njit
def matrix(net: Any, layer: int) -> tuple[int, int, int]:
    """Return where a layer's Wᵀ, (H, D) in whole tiles, is in a buffer of matrices; see `view`."""
    start, stride = net.plan[layer, WEIGHTS_AT], net.plan[layer, STRIDE]
    return start, (net.plan[layer + 1, WEIGHTS_AT] - start) // stride, stride


@njit
def units(net: Any, layer: int) -> slice:
    """Return where a layer's bias (H,) is in a buffer of biases."""
    start = net.plan[layer, BIASES_AT]
    return slice(start, start + net.plan[layer + 1, INPUTS])


@njit
def samples(net: Any, layer: int) -> tuple[int, int, int]:
    """Return where a layer's input, (rows, D) in whole tiles, is in a buffer of values; see `view`."""
    return net.plan[layer, VALUES_AT], net.rows, net.plan[layer, STRIDE]


def _units(net: Net, layer: int) -> slice:
    """Do in Python what `units` does in kernels: Numba hands out no slice."""
    start = int(net.plan[layer, BIASES_AT])
    return slice(start, start + int(net.plan[layer + 1, INPUTS]))


def _view(buffer: Array, place: tuple[int, int, int]) -> Array:
    """Do in Python what `view` does in kernels."""
    start, rows, stride = place
    return buffer[start : start + rows * stride].reshape(rows, stride)


def load(net: Net, arrays: Sequence[Array]) -> None:
    """Copy parameters and state, in the order of `mlp_epoch`, into the buffers."""
    for array, place, kind in _places(net, arrays):
        if kind == "panels":
            for panel, columns in panels_of(place, array):
                panel[...] = columns
        elif kind == "transposed":
            lay_out(array, place)
        else:
            place[...] = array


def store(net: Net, arrays: Sequence[Array]) -> None:
    """Copy parameters and state from the buffers into arrays, in the order of `mlp_epoch`."""
    for array, place, kind in _places(net, arrays):
        if kind == "panels":
            for panel, columns in panels_of(place, array):
                columns[...] = panel
        elif kind == "transposed":
            bring_back(place, array)
        else:
            array[...] = place


def _places(net: Net, arrays: Sequence[Array]) -> Iterator[tuple[Array, Array, str]]:
    """Yield each of `mlp_epoch`'s arrays with its place in the buffers, and how it lies there."""
    for number, array in enumerate(arrays):
        kind, within = divmod(number, 2 * (len(net.plan) - 1))
        layer, is_bias = divmod(within, 2)
        if is_bias:
            yield array, (net.biases, net.bias_state0, net.bias_state1)[kind][_units(net, layer)], "plain"
        else:
            matrices = (net.weights, net.weight_state0, net.weight_state1)[kind]
            how = "panels" if net.listed and layer == 0 else "transposed"
            yield array, _view(matrices, matrix(net, layer)), how
