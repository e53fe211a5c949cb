"""An epoch on a GPU as replays of a step that was captured once as a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xpnet_kernels import _cublas
from xpnet_kernels._arrays import Array, namespace
from xpnet_kernels.mlp_epoch.graph.captured import CapturedEpoch, Setting

MOST_KEPT = 2
"""How many captured epochs a workspace keeps: data that come in portions have a last one that is smaller."""


def train_by_graph(
    x: Array,
    t: Array,
    order: Array,
    *arrays: Array,
    activations: Sequence[str],
    batch_size: int,
    update: str,
    options: Sequence[dict[str, float]],
    weight_decay: float = 0.0,
    should_stop: Callable[[], bool] | None = None,
    out: Sequence[Array] | None = None,
    workspace: dict[str, Any] | None = None,
) -> tuple[Array, ...]:
    """Run an epoch by replaying a captured step; see `mlp_epoch`.

    Weights come out bit for bit the same each time. `should_stop` is asked between graphs, of which the
    host starts a few ahead of the device. An epoch of no steps captures, for those that follow.
    """
    xp = namespace(x)
    results = [xp.empty(array.shape, dtype=array.dtype) for array in arrays] if out is None else list(out)
    samples = order.shape[0]
    if samples == 0:
        for result, array in zip(results, arrays, strict=True):
            result[...] = array
        return (xp.empty(0, dtype=arrays[0].dtype), *results)
    shapes = tuple(tuple(array.shape) for array in arrays)
    sizes = min(batch_size, samples), update, weight_decay, _cublas.tf32(), samples
    setting = Setting(tuple(activations), *sizes, shapes)
    kept = [] if workspace is None else workspace.setdefault("graphs", [])
    epoch = next((one for one in kept if one.serves(x, t, setting)), None)
    if epoch is None:
        del kept[: len(kept) - MOST_KEPT + 1]  # gives memory back before the next one takes some
        epoch = CapturedEpoch(x, t, setting, arrays[0])
        kept.append(epoch)
    epoch.capture()
    losses = epoch.run(order, arrays, results, options, should_stop)
    return (losses, *results)
