"""Samples as records of what is not 0 in them, made once for all epochs on the same data.

A record takes the place of a sample where most of it is 0: an epoch then reads a third of the memory. It
holds the bounds of the entries of each block of inputs, the numbers that are not 0, and their places in the
sample, one after another. It begins at an address that 8 divides, and the numbers at the next such one.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from xpnet_kernels import _threads
from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import njit
from xpnet_kernels._listed_rows import list_rows
from xpnet_kernels._simd import lanes, vector_bytes
from xpnet_kernels._simd_list import MOST_PLACES, PLACE, place_at

MOST_FILLED = 0.35
"""Share of numbers that are not 0 up to which records pay."""

AT_ONCE, SMALL_BATCH = 128, 20
"""Outputs of the first layer from which on one epoch makes up for making records; samples of a batch up to
which it does for fewer outputs."""

LOOKED_AT = 100
"""Samples that are looked at for that."""

BLOCK = 112
"""Inputs in a block: so many rows of a tile of W stay in a first-level cache; see `listed.py`."""

CHUNK_BYTES = 1 << 26
"""How much memory is asked for at a time; nobody knows beforehand how much it takes.

What is not written to is not taken. NumPy asks for large pages where there is room, and with 4 MiB at a time,
where there hardly was, making MNIST's records took twice as long.
"""

WORTH_SHARING = 2_000_000
"""Numbers from which on several threads make the records."""


class Records(NamedTuple):
    """The records of a data set.

    Attributes
    ----------
    addresses : array (samples, 2), int64
        Where each begins, and where it ends.
    memory : list of array
        What holds them.
    """

    addresses: Array
    memory: list[Array]


NO_RECORDS = Records(np.zeros((1, 2), dtype=np.int64), [])
"""What stands for records where there are none."""


def worth_it(x: Array, outputs: int, dtype: Any) -> bool:
    """Return whether the first layer is sooner done by records, as far as some of the samples tell."""
    some = x[:: max(1, len(x) // LOOKED_AT)]
    possible = lanes(dtype) < outputs and x.shape[1] <= MOST_PLACES
    return possible and np.count_nonzero(some) < MOST_FILLED * some.size


def make_records(x: Array, scale: Any) -> Records:
    """Return the records of the samples x (N, D), contiguous, times `scale`, in the dtype of that."""
    workers = min(_threads.allowed(enough_work=x.size > WORTH_SHARING), len(x))
    records = Records(np.zeros((len(x), 2), dtype=np.int64), [])
    stopped = threading.Event()

    def make_part(me: int) -> None:
        if workers > 1:
            _threads.spread(me)
        begin, stop = len(x) * me // workers, len(x) * (me + 1) // workers
        longest = most_bytes(x.shape[1], scale.itemsize)
        places = np.zeros(x.shape[1] + lanes(scale.dtype), PLACE)
        while begin < stop and not stopped.is_set():
            room = max(longest, min(CHUNK_BYTES, longest * (stop - begin)))
            chunk = np.empty(-(-room // 8), np.int64)
            records.memory.append(chunk)
            numbers, others = chunk.view(scale.dtype), chunk.view(PLACE)
            begin = fill(numbers, others, places, x, begin, stop, scale, longest, records.addresses)

    if workers <= 1:
        make_part(0)
        return records
    with ThreadPoolExecutor(workers) as pool:
        parts = [pool.submit(make_part, me) for me in range(workers)]
        try:
            for part in parts:
                part.result()
        finally:
            stopped.set()
    return records


def most_bytes(inputs: int, item: int) -> int:
    """Return how many bytes of memory a sample without zeros needs, and the vector that is written last."""
    return header_bytes(inputs) + inputs * (item + PLACE.itemsize) + vector_bytes() + 8


@njit
def blocks_of(inputs: int) -> int:
    """Return how many blocks the inputs make."""
    return (inputs + BLOCK - 1) // BLOCK


@njit
def header_bytes(inputs: int) -> int:
    """Return how many bytes the bounds of a record take."""
    return (2 * (blocks_of(inputs) + 1) + 7) // 8 * 8


@njit
def fill(
    numbers: Array, others: Array, places: Array, x: Array, begin: int, stop: int, scale: Any, longest: int,
    addresses: Array,
) -> int:  # fmt: skip
    """Write the records of samples begin to stop, as many as there is memory for; return the next sample.

    `numbers` and `others` view the same memory, as numbers and as places. `places` is room for those of one.
    """
    inputs, item, at = x.shape[1], numbers.itemsize, 0
    header = header_bytes(inputs)
    for sample in range(begin, stop):
        if at + longest > numbers.size * item:
            return sample
        bounds, own = others[at // 2 :], numbers[(at + header) // item :]
        listed = bounds[0] = 0
        for block in range(blocks_of(inputs)):
            first, last = block * BLOCK, min((block + 1) * BLOCK, inputs)
            listed += list_rows(x[sample], first, last, scale, own[listed:], places[listed:])
            bounds[block + 1] = listed
        after = (at + header + listed * item) // 2
        for i in range(listed):
            others[after + i] = places[i]
        addresses[sample, 0] = numbers.ctypes.data + at
        at = (2 * (after + listed) + 7) // 8 * 8
        addresses[sample, 1] = numbers.ctypes.data + at
    return stop


@njit
def entries(record: int, inputs: int, item: int) -> tuple[int, int, int]:
    """Return the addresses of a record's numbers and of their places, and how many they are."""
    count = place_at(record, blocks_of(inputs))
    numbers = record + header_bytes(inputs)
    return numbers, numbers + count * item, count
