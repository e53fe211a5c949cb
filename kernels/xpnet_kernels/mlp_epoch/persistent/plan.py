"""How the persistent kernel divides a net among blocks and threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from xpnet_kernels import _launch
from xpnet_kernels._arrays import Array

FEATURES_OF_A_WARP = 16
"""Input features whose weights a warp keeps: four in each thread, and four threads that share samples."""

SAMPLE_LANES = 8
"""Threads of a warp that take turns at the samples of the batch."""

FEATURE_WARPS = 7
"""At most so many warps of a block keep weights: with one that does the rest they are 256 threads.

A multiprocessor has 65,536 registers, so 256 threads may take 255 each, all that a thread can have, where 352
could have 168. The kernels take 168 to 255.
"""

MOST_ROWS, MOST_HIDDEN, MOST_CLASSES, MOST_UNITS = 128, 100, 12, 6
"""Samples of a batch, hidden units, classes, and hidden units of a block, for which the registers suffice."""

MANY_UNITS = 4
"""Blocks with so many units keep the batch apart from the registers while they compute the second layer.

Kept there, it made a hundred hidden units spill, and so do reads of four weights of W2 at once. With 108
units and 12 classes the compiler left a loop over an array of the thread, which then lay in memory.
"""

MOST_SUMS = 84
"""Hidden units of a block times samples of a thread: with 90 a thread spilled."""

SHARED_BYTES = 48 * 1024
"""Shared memory that a block may have without asking the driver for more."""


class Plan(NamedTuple):
    """Sizes of a net and its batches, and how they are divided; constants of the kernel.

    Attributes
    ----------
    features, hidden, classes, batch : int
        D, H, C, and the size of all batches but the last.
    slices : int
        Parts into which the features are divided; a block works on one slice and one group.
    feature_warps : int
        Warps of a block that keep weights of the first layer.
    units, groups : int
        Hidden units of a group, and groups; the last may hold fewer.
    samples : int
        Samples that a thread of the first layer works on.
    rows : int
        The batch as the second layer has it: in whole warps of two threads a sample.
    hidden_rows, class_columns : int
        Hidden units in whole fours, classes in whole pairs: the shape of W2 with zeros around it.
    W2_columns : int
        From one row of W2 to the next: in whole fours where four numbers are read at once, else in pairs.
    threads, blocks : int
        The launch.
    pixels : int
        1 if the samples are uint8, 0 if they are float32.
    deterministic : int
        1 if every sum is made in one order.
    """

    features: int
    hidden: int
    classes: int
    batch: int
    slices: int
    feature_warps: int
    units: int
    groups: int
    samples: int
    rows: int
    hidden_rows: int
    class_columns: int
    W2_columns: int
    threads: int
    blocks: int
    pixels: int = 1
    deterministic: int = 0

    @property
    def thread_sizes(self) -> tuple[int, ...]:
        """Elements of the arrays `places`, `fetched`, `x`, `W1`, `hidden` and `logits` of a thread."""
        fetched = self.samples if self.pixels else 4 * self.samples if self.units < MANY_UNITS else 1
        places = _ceil(self.samples * SAMPLE_LANES, 32)
        return (
            places,
            fetched,
            4 * self.samples,
            4 * self.units,
            self.hidden_rows // 2,
            2 * self.class_columns,
        )

    @property
    def block_sizes(self) -> tuple[int, ...]:
        """Elements of the arrays `sums`, `W2`, `dz2`, `dz1` and `h`, and `parked` of a block."""
        sums = self.feature_warps * self.units * SAMPLE_LANES * self.samples
        parks = self.pixels and self.units >= MANY_UNITS
        parked = 32 * self.feature_warps * self.samples if parks else 1
        dz2, dz1 = self.rows * self.class_columns, self.rows * self.units
        return sums, self.W2_size, dz2, dz1, parked

    @property
    def W2_size(self) -> int:
        """Elements of W2, with b2 as a row below it."""
        return (self.hidden_rows + 1) * self.W2_columns

    @property
    def z_size(self) -> int:
        """Elements of an array of z1."""
        return self.hidden_rows * self.rows

    @property
    def shared_bytes(self) -> int:
        """Shared memory of a block."""
        sums, W2, dz2, dz1, parked = self.block_sizes
        return 4 * (sums + W2 + dz2 + 2 * dz1 + self.units + self.rows + parked)


def plan_of_call(arrays: Sequence[Array], batch_size: int, deterministic: bool) -> Plan | str:
    """Return a plan for arrays of `mlp_epoch`, on the card where they are, or why there is none."""
    x, _, _, W1, _, _, b2 = arrays
    features, hidden = W1.shape
    plan = plan_for(features, hidden, len(b2), batch_size, _launch.multiprocessors(x))
    if isinstance(plan, str):
        return plan
    return plan._replace(pixels=int(x.dtype == np.uint8), deterministic=int(deterministic))


def plan_for(features: int, hidden: int, classes: int, batch: int, processors: int) -> Plan | str:
    """Return a plan for a card of so many multiprocessors, or why there is none, in words.

    Each block has a multiprocessor to itself, and all must run at once, since they wait for each other.
    """
    if features == 0 or features % FEATURES_OF_A_WARP:
        return f"{features} input features are no multiple of {FEATURES_OF_A_WARP}"
    limits = (
        ("batch size", batch, MOST_ROWS),
        ("hidden units", hidden, MOST_HIDDEN),
        ("classes", classes, MOST_CLASSES),
    )
    for name, size, most in limits:
        if not 1 <= size <= most:
            return f"{name}: {size}, where 1 to {most} are possible"
    warps = features // FEATURES_OF_A_WARP
    feature_warps = max(n for n in range(1, FEATURE_WARPS + 1) if warps % n == 0)
    slices = warps // feature_warps
    groups = max(1, processors // slices)
    units = _ceil(hidden, groups)
    if units > MOST_UNITS or slices > processors:
        return f"{features} features and {hidden} hidden units do not fit {processors} multiprocessors"
    plan = _divided(features, hidden, classes, batch, slices, feature_warps, units)
    if plan.units * plan.samples > MOST_SUMS:
        return f"{hidden} hidden units of {features} features leave no registers for batches of {batch}"
    if plan.shared_bytes > SHARED_BYTES:
        return f"a block would take {plan.shared_bytes} bytes of shared memory, more than {SHARED_BYTES}"
    return plan


def _divided(
    features: int, hidden: int, classes: int, batch: int, slices: int, feature_warps: int, units: int
) -> Plan:
    rows = 16 * _ceil(batch, 16)
    groups = _ceil(hidden, units)
    return Plan(
        features=features,
        hidden=hidden,
        classes=classes,
        batch=batch,
        slices=slices,
        feature_warps=feature_warps,
        units=units,
        groups=groups,
        samples=_ceil(batch, SAMPLE_LANES),
        rows=rows,
        hidden_rows=4 * _ceil(hidden, 4),
        class_columns=2 * _ceil(classes, 2),
        W2_columns=4 * _ceil(classes, 4) if units < MANY_UNITS else 2 * _ceil(classes, 2),
        threads=32 * max(feature_warps + 1, rows // 16),
        blocks=groups * slices,
    )


def _ceil(size: int, part: int) -> int:
    return -(-size // part)
