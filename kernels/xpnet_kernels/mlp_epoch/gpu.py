"""The ways to run an epoch on a GPU, imported once one is asked for: whoever has none does without them."""

from __future__ import annotations

from typing import Any

from xpnet_kernels import _jit
from xpnet_kernels._arrays import Array

_jit.modules_for_later.note("xpnet_kernels.mlp_epoch.graph")
_jit.modules_for_later.note("xpnet_kernels.mlp_epoch.persistent.epoch")


def train_by_graph(*arrays: Array, **options: Any) -> tuple[Array, ...]:
    """Replay a step captured as a CUDA graph; see `graph`."""
    from xpnet_kernels.mlp_epoch import graph

    return graph.train_by_graph(*arrays, **options)


def train_persistently(*arrays: Array, **options: Any) -> tuple[Array, ...]:
    """Run the epoch in one kernel; see `persistent`."""
    from xpnet_kernels.mlp_epoch.persistent import epoch

    return epoch.train_persistently(*arrays, **options)


def persistent_obstacle(*arrays: Array, **options: Any) -> str | None:
    """Return why that kernel cannot run such an epoch, or None if it can."""
    from xpnet_kernels.mlp_epoch import persistent

    return persistent.obstacle(*arrays, **options)
