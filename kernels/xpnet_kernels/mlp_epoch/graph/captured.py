"""A captured step with its memory, and epochs as replays of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from xpnet_kernels import _graphs
from xpnet_kernels._arrays import Array, asarray_like
from xpnet_kernels.mlp_epoch import phases, updates
from xpnet_kernels.mlp_epoch.as_read import AsRead
from xpnet_kernels.mlp_epoch.graph.buffers import Buffers
from xpnet_kernels.mlp_epoch.graph.step import Step, are_wide
from xpnet_kernels.mlp_epoch.graph.update import Rule

STEPS_TOGETHER = 20
"""Steps in a graph: it takes the host as long to start one step as to start twenty."""


class Setting(NamedTuple):
    """What a captured step depends on, besides its data.

    Attributes
    ----------
    activations, batch_size, update, weight_decay
        See `mlp_epoch`; the batch is no larger than the epoch.
    tf32 : bool
        Whether wide products may take TF32.
    samples : int
        How many an epoch visits.
    shapes : tuple of tuple of int
        Of the parameters, and of what the update keeps.
    """

    activations: tuple[str, ...]
    batch_size: int
    update: str
    weight_decay: float
    tf32: bool
    samples: int
    shapes: tuple[tuple[int, ...], ...]


class CapturedEpoch:
    """A step captured as CUDA graphs, for one data set and net.

    Parameters
    ----------
    x, t : array
        See `mlp_epoch`.
    setting : Setting
    like : array
        Any of the net's arrays.
    """

    def __init__(self, x: Array, t: Array, setting: Setting, like: Array) -> None:
        self._data, self._setting = (x, t), setting
        self._read = AsRead(x, x.dtype), AsRead(t, t.dtype)
        count = 2 * (len(setting.activations) + 1)
        sizes = [setting.shapes[0][0], *(b[0] for b in setting.shapes[1:count:2])]
        wide, kept = are_wide(sizes, setting.batch_size), len(setting.shapes) // count - 1
        self._buffers = Buffers(sizes, setting.batch_size, setting.samples, kept, wide, like)
        decay = like.dtype.type(setting.weight_decay)
        rule = Rule(updates.CODES[setting.update], self._buffers.numbers, decay)
        codes = [*(phases.CODES[name] for name in setting.activations), phases.NONE]
        data, labels = (each.array for each in self._read)
        self._step = Step(data, labels, self._buffers, codes, rule, wide, setting.tf32)
        self._graphs: dict[int, Any] = {}
        self._queue = _graphs.Queue(like)

    def serves(self, x: Array, t: Array, setting: Setting) -> bool:
        """Return whether it was captured for these."""
        return self._data[0] is x and self._data[1] is t and self._setting == setting

    def capture(self) -> None:
        """Capture, unless that is done; a step of no samples compiles and loads every kernel before."""
        if self._graphs:
            return
        self._buffers.batch.progress[...] = np.iinfo(np.int32).max
        self._step()
        for together in (1, STEPS_TOGETHER):
            self._graphs[together] = _graphs.record(self._step, together, self._buffers.numbers)

    def run(
        self,
        order: Array,
        arrays: Sequence[Array],
        results: Sequence[Array],
        options: Sequence[dict[str, float]],
        should_stop: Callable[[], bool] | None,
    ) -> Array:
        """Train from `arrays` into `results`; return the losses of the steps made."""
        buffers, steps = self._buffers, len(options)
        numbers = updates.step_numbers(self._setting.update, options, buffers.numbers.dtype)
        for each in self._read:
            each.renew()
        buffers.load(arrays)
        buffers.batch.order[...] = order
        buffers.batch.progress[...] = 0
        buffers.numbers[:steps] = asarray_like(numbers, like=buffers.numbers)
        made = 0
        while made < steps and not (made > 0 and should_stop is not None and should_stop()):
            together = STEPS_TOGETHER if steps - made >= STEPS_TOGETHER else 1
            self._queue.start(self._graphs[together])
            made += together
        buffers.store(results)
        return buffers.losses.steps[:made] + 0  # a copy: the next epoch writes there
