"""Which samples are next, and which part of them, or of a layer's outputs, is whose."""

from __future__ import annotations

from typing import Any

from xpnet_kernels._jit import njit
from xpnet_kernels._tiles import lane_count, tile_rows
from xpnet_kernels.mlp_epoch.layout import INPUTS


@njit
def share(total: int, me: int, workers: int, side: int) -> tuple[int, int]:
    """Return where the part of worker `me` begins and ends, in whole tiles."""
    tiles = (total + side - 1) // side
    return min(tiles * me // workers * side, total), min(tiles * (me + 1) // workers * side, total)


@njit
def own_outputs(net: Any, layer: int, me: int, workers: int) -> tuple[int, int]:
    """Return where the outputs of a layer that worker `me` owns begin and end: whole tiles, or vectors."""
    side = lane_count(net.weights) if net.listed and layer == 0 else tile_rows(net.weights)
    return share(net.plan[layer + 1, INPUTS], me, workers, side)


@njit
def piece_from(job: Any, at: int) -> slice:
    """Return the places in `order` of the piece that begins at one, none at the end of the epoch."""
    end = min((at // job.batch_size + 1) * job.batch_size, len(job.order))
    return slice(at, min(at + job.piece, end))
