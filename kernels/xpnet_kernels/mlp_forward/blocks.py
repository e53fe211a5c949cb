"""Many rows through every layer: blocks of rows that stay in the cache, shared among threads."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from xpnet_kernels import _threads
from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit
from xpnet_kernels._panels import empty_panels, multiply_rows, pack
from xpnet_kernels.mlp_forward.rows import activate

BLOCK = 60
"""Rows of a block: a multiple of a tile's."""

WORTH_SHARING = 10_000_000
"""Fewer multiplications are done before a second thread has started."""

INPUTS, OUTPUTS, PANELS, WIDTH, WEIGHTS_AT, BIASES_AT, ACTIVATION = range(7)
"""Columns of the plan."""


class Packed(NamedTuple):
    """The parameters as the product takes them."""

    plan: Array  # (layers, 7): the columns above
    weights: Array  # every W as panels, one after the other
    biases: Array  # every b, filled up to whole panels with zeros


def forward_in_blocks(x: Array, arrays: Sequence[Array], codes: Sequence[int]) -> Array:
    """Return the logits of a batch of at least BLOCK rows; see `Forward`."""
    packed = packed_parameters(arrays, codes)
    samples = x.shape[0]
    y = np.empty((samples, arrays[-1].shape[0]), arrays[-1].dtype)
    enough_work = samples * sum(W.size for W in arrays[::2]) >= WORTH_SHARING
    workers = min(_threads.allowed(enough_work), samples // BLOCK)
    cuts = [samples * worker // workers for worker in range(workers + 1)]
    threads = [
        threading.Thread(target=forward_blocks, args=(x, y, packed, cuts[worker], cuts[worker + 1]))
        for worker in range(1, workers)
    ]
    for thread in threads:
        thread.start()
    try:
        forward_blocks(x, y, packed, cuts[0], cuts[1])
    finally:
        for thread in threads:
            thread.join()
    return y


def packed_parameters(arrays: Sequence[Array], codes: Sequence[int]) -> Packed:
    """Return W1, b1, W2, b2, ... as panels."""
    plan, weights, biases = [], [], []
    weights_at = biases_at = 0
    for W, b, code in zip(arrays[::2], arrays[1::2], codes, strict=True):
        panels = empty_panels(W.shape[0], W.shape[1], W.dtype)
        pack(W, panels)
        count, inputs, width = panels.shape
        plan.append((inputs, W.shape[1], count, width, weights_at, biases_at, code))
        weights.append(panels.reshape(-1))
        biases.append(np.concatenate((b, np.zeros(count * width - b.size, b.dtype))))
        weights_at, biases_at = weights_at + panels.size, biases_at + count * width
    return Packed(np.array(plan, dtype=np.int64), np.concatenate(weights), np.concatenate(biases))


@njit
def forward_blocks(x: Array, y: Array, packed: Packed, start: int, stop: int) -> None:
    """Write the logits of rows start to stop, at least BLOCK of them."""
    dtype, plan = y.dtype.type, packed.plan
    scale = dtype(1) / dtype(255) if x.itemsize == 1 else dtype(1)
    widest, inputs = x.shape[1], x.shape[1]
    for layer in range(len(plan)):
        widest = max(widest, plan[layer, PANELS] * plan[layer, WIDTH])
    source, target = np.empty(BLOCK * widest, y.dtype), np.empty(BLOCK * widest, y.dtype)
    for begin in range(start, stop, BLOCK):
        first = min(begin, stop - BLOCK)  # the last block begins earlier: some rows are computed twice
        for i in range(BLOCK):
            sample, row = x[first + i], source[i * inputs : (i + 1) * inputs]
            for j in range(inputs):
                row[j] = dtype(sample[j]) * scale
        stride = inputs
        for layer in range(len(plan)):
            rows_forward(source, stride, packed, layer, target)
            stride = plan[layer, PANELS] * plan[layer, WIDTH]
            source, target = target, source
        for i in range(BLOCK):
            y[first + i] = source[i * stride : i * stride + y.shape[1]]


@njit
def rows_forward(x: Array, stride: int, packed: Packed, layer: int, y: Array) -> None:
    """Send a block of rows, `stride` numbers apart, through one layer; y's are whole panels apart."""
    plan = packed.plan[layer]
    count, inputs, width, at = plan[PANELS], plan[INPUTS], plan[WIDTH], plan[WEIGHTS_AT]
    outputs = count * width
    W = packed.weights[at : at + inputs * outputs].reshape((count, inputs, width))
    multiply_rows(x, stride, 1, W, inputs, y, outputs, width, 0, BLOCK)
    b = packed.biases[plan[BIASES_AT] : plan[BIASES_AT] + outputs]
    for i in range(BLOCK):
        row = y[i * outputs : (i + 1) * outputs]
        for j in range(outputs):
            row[j] += b[j]
        activate(row, plan[ACTIVATION])
