"""The end of a net: logits, softmax cross-entropy and the gradient of what the last layer was given."""

from __future__ import annotations

import math
from typing import Any

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda
from xpnet_kernels.mlp_epoch.graph.activations import through
from xpnet_kernels.mlp_epoch.graph.tiles import LANES, ROWS, SLICES, rows_in, tile_of_product
from xpnet_kernels.softmax_cross_entropy import cross_entropy_row_on_device


@cuda.jit
def head_kernel(
    batch: Any, source: Any, t: Array, W: Array, activation: int, delta: Array, before: Array, losses: Array
) -> None:
    """Do all of it for ROWS samples a block, where one tile holds every class.

    Parameters
    ----------
    batch : Batch
    source : Source
        The last layer's input, row by row.
    t : array (samples,), integer
    W : array (D + 1, C)
        The last row is b.
    activation : int
        What returned the input.
    delta : array (batch, C)
        Receives the gradient of the logits; zero where the batch is smaller.
    before : array (batch, D)
        Receives the gradient before that activation.
    losses : array (batch,)
        Receives each sample's share of the mean loss.
    """
    logits = cuda.shared.array((ROWS, LANES), W.dtype)
    dlogits = cuda.shared.array((ROWS, LANES), W.dtype)
    lane, part = cuda.threadIdx.x, cuda.threadIdx.y
    first = cuda.blockIdx.y * ROWS
    row, rows = first + part, rows_in(batch, 0)
    inner, classes = W.shape[0] - 1, W.shape[1]
    place = min(batch.progress[0] * batch.size + row, batch.order.size - 1)
    label = t[batch.order[place]]  # asked for before the sums are made
    z = tile_of_product(batch, source, W, inner, first)
    if part < ROWS:
        logits[part, lane] = z + W[inner, lane] if lane < classes else z
    cuda.syncthreads()
    if part < ROWS and lane < classes and row < delta.shape[0]:
        share, gradient = W.dtype.type(0), W.dtype.type(0)
        if row < rows:
            scale = W.dtype.type(1) / W.dtype.type(rows)
            share, gradient = softmax_at(logits[part], classes, lane, label, scale)
        dlogits[part, lane] = gradient
        delta[row, lane] = gradient
        if lane == 0:
            losses[row] = share
    cuda.syncthreads()
    r, group = part % ROWS, part // ROWS
    if group < SLICES // ROWS and first + r < before.shape[0]:
        for j in range(group * LANES + lane, inner, SLICES // ROWS * LANES):
            y, dy = source.x[first + r, j], W.dtype.type(0)
            for c in range(classes):
                dy += dlogits[r, c] * W[j, c]
            before[first + r, j] = through(activation, dy, y, W.dtype.type(1))
    pass_on(batch)


@cuda.jit(device=True)
def softmax_at(z: Array, classes: int, c: int, label: int, scale: Any) -> Any:
    """Return the loss of one row of logits and its gradient by logit c, both multiplied by scale."""
    top = z[0]
    for k in range(1, classes):
        top = max(top, z[k])
    total = z.dtype.type(0)
    for k in range(classes):
        total += math.exp(z[k] - top)
    gradient = math.exp(z[c] - top) / total * scale
    if c == label:
        gradient -= scale
    return (math.log(total) - (z[label] - top)) * scale, gradient


@cuda.jit
def loss_kernel(batch: Any, t: Array, b: Array, logits: Array, delta: Array, losses: Array) -> None:
    """Write loss and gradient of one row of logits per thread, where `head_kernel` does not serve.

    Parameters
    ----------
    b : array (C,)
        What is still to be added to the logits, in place: zeros where that is done.
    batch, t, logits, delta, losses
        As for `head_kernel`; the logits are (batch, C).
    """
    row, rows = cuda.grid(1), rows_in(batch, 0)
    if row < rows:
        scale = logits.dtype.type(1) / logits.dtype.type(rows)
        label = t[batch.order[batch.progress[0] * batch.size + row]]
        for k in range(logits.shape[1]):
            logits[row, k] += b[k]
        losses[row] = cross_entropy_row_on_device(logits[row], label, scale, delta[row]) * scale
    elif row < delta.shape[0]:
        losses[row] = logits.dtype.type(0)
        for k in range(delta.shape[1]):
            delta[row, k] = logits.dtype.type(0)
    pass_on(batch)


@cuda.jit(device=True)
def pass_on(batch: Any) -> None:
    """Tell the kernels that take gradients which step they are in."""
    if cuda.blockIdx.x + cuda.blockIdx.y + cuda.threadIdx.x + cuda.threadIdx.y == 0:
        batch.progress[1] = batch.progress[0]
