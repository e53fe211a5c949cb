"""How the blocks of a grid meet: a counter of arrivals, and a wait that ends.

A block that has waited too long says so in the highest bit of the counter, which is more than any number of
arrivals: whoever waits stops waiting, and finds the bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda, device_inline
from xpnet_kernels._ptx import add_one_release, load_acquire, set_bits, store

ARRIVALS, STEP, SEEN, WORDS = range(4)
"""Words of the meeting: the counter; who gives up notes at which step, and how many had arrived."""

GIVEN_UP = np.uint32(1 << 31)


@device_inline
def arrive(meeting: Array, speaker: int) -> None:
    """Say by one thread that this block has come, and has written what it had to write."""
    cuda.syncthreads()
    if cuda.threadIdx.x == speaker:
        add_one_release(meeting, ARRIVALS)


@device_inline
def all_have_arrived(meeting: Array, speaker: int, step: int, expected: int, patience: int) -> Any:
    """Wait until so many arrivals are counted, for `patience` looks by one thread; return whether they were.

    What the others wrote before they arrived can be read from then on. All threads of a block get the same
    answer, and it is no once any block has given up.
    """
    missing = np.int32(0)
    if cuda.threadIdx.x == speaker:
        arrived = load_acquire(meeting, ARRIVALS)
        while arrived < expected and patience > 0:
            patience -= 1
            arrived = load_acquire(meeting, ARRIVALS)
        if arrived < expected:
            missing = np.int32(1)
            store(meeting, STEP, np.uint32(step))
            store(meeting, SEEN, arrived)
            set_bits(meeting, ARRIVALS, GIVEN_UP)
        elif arrived >= GIVEN_UP:
            missing = np.int32(1)
    return cuda.syncthreads_or(missing) == 0
