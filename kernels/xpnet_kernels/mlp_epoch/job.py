"""What the threads of a compiled epoch are told."""

from __future__ import annotations

from typing import Any, NamedTuple

from xpnet_kernels._arrays import Array
from xpnet_kernels._barrier import LINE

STOP, LAST, MADE = 0, LINE, 2 * LINE
"""Where the flags of a job are, each in a cache line of its own."""


class Job(NamedTuple):
    """What an epoch is to do.

    Attributes
    ----------
    x : array (samples, D)
    t : array (samples,), int64
    order : array (visited,), int64
    batch_size : int
    piece : int
        Samples that go through the net at once; the gradients of a batch's pieces are added up.
    scale : float
        What x is multiplied by.
    records : array (samples, 2), int64
        The addresses of the samples' records; without meaning for a net that reads the samples.
    levels : array (n,)
        What the numbers in them are the levels of; empty where they have the numbers themselves.
    in_place : bool
        Whether samples are read where they lie: they are of the net's dtype, whole vectors, and `scale` is 1.
    activations : array (layers,), int64
        Codes; the last is `phases.NONE`.
    kind : int
        Code of the update.
    numbers : array (steps, n)
        The update's numbers at each step.
    weight_decay : float
    row_losses : array (batch_size,)
    losses : array (steps,)
        Filled step by step.
    penalties : array (workers,), float64
        Each worker's share of Σ W².
    meeting : array (workers * LINE,), int64
        Where the workers meet.
    flags : array (3 * LINE,), int64
        At STOP whether to stop, at LAST whether this step is the last, at MADE how many steps were made.
    """

    x: Array
    t: Array
    order: Array
    batch_size: int
    piece: int
    scale: Any
    records: Array
    levels: Array
    in_place: bool
    activations: Array
    kind: int
    numbers: Array
    weight_decay: Any
    row_losses: Array
    losses: Array
    penalties: Array
    meeting: Array
    flags: Array
