"""The update of a wide layer, whose gradients the vendor's products have left: a few parameters a thread."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet_kernels import _launch
from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda
from xpnet_kernels.mlp_epoch.graph.tiles import LANES, SLICES, THREADS, rows_in, sum_over_block
from xpnet_kernels.mlp_epoch.graph.update import update_at

EACH = 4
"""Parameters of a thread."""

PARAMETERS = EACH * THREADS
"""Of a block."""


def given_blocks(parameters: Array) -> int:
    """Return how many blocks update a matrix."""
    return _launch.blocks_for(parameters.size, PARAMETERS)


@cuda.jit
def update_given_kernel(
    batch: Any, net: Any, rule: Any, losses: Any, begin: int, weights: int, size: int, penalty: int
) -> None:
    """Update the parameters of one layer.

    Parameters
    ----------
    batch : Batch
    net : Parameters
    rule : Rule
    losses : Losses
    begin, weights, size : int
        Where the layer's matrix begins, and how many weights and parameters it holds; the biases come last.
    penalty : int
        Where the first block's share of the penalty goes; those of the others follow.
    """
    values = cuda.shared.array((SLICES, LANES), net.weights.dtype)
    if rows_in(batch, 1) == 0:  # beyond the epoch's end
        return
    own, gradients = cuda.local.array(EACH, net.weights.dtype), cuda.local.array(EACH, net.weights.dtype)
    first = cuda.blockIdx.x * PARAMETERS + cuda.threadIdx.y * LANES + cuda.threadIdx.x
    for n in range(EACH):  # all reads are on their way before the first is used
        at = np.uint32(begin + min(first + n * THREADS, size - 1))
        own[n], gradients[n] = net.weights[at], net.gradients[at]
    square = net.weights.dtype.type(0)
    for n in range(EACH):
        place = first + n * THREADS
        if place < size:
            gradient = gradients[n]
            if place < weights:  # biases do not decay
                square += own[n] * own[n]
                gradient += rule.weight_decay * own[n]
            numbers = rule.numbers[batch.progress[1]]
            update_at(rule.kind, net, np.uint32(begin + place), own[n], gradient, numbers)
    if rule.weight_decay != 0:
        share = sum_over_block(square, values)
        if cuda.threadIdx.x + cuda.threadIdx.y == 0:
            losses.penalties[penalty + cuda.blockIdx.x] = share
