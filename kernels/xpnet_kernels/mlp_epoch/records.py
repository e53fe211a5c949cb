"""Samples as records of what is not 0 in them, made once for all epochs on the same data.

A record takes the place of a sample where most of it is 0: of MNIST in float32 an epoch then reads a sixth
of the memory. It holds the bounds of the entries of each block of inputs, the numbers that are not 0, or
bytes that stand for them (see `levels.py`), and their places in the sample, one after another. It begins at
an address that 8 divides, the numbers at the next such one, and the places at the next that 2 divides.
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
from xpnet_kernels.mlp_epoch.levels import levels_of, number_bytes, to_levels

MOST_FILLED = 0.35
"""Share of numbers that are not 0 up to which records pay."""

AT_ONCE = 128
"""Outputs of the first layer from which on one epoch makes up for making records."""

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
    levels : array (256,) or (0,)
        What the numbers in them are the levels of; empty where they have the numbers themselves.
    memory : list of array
        What holds them.
    """

    addresses: Array
    levels: Array
    memory: list[Array]


NO_RECORDS = Records(np.zeros((1, 2), dtype=np.int64), np.zeros(0), [])
"""What stands for records where there are none."""


class Room(NamedTuple):
    """Memory for records, and what one is made in.

    Attributes
    ----------
    numbers, places, bytes : array
        The same memory, as what a record consists of.
    own_numbers, own_places : array (D and a vector,)
        What is not 0 in a sample.
    longest : int
        How many bytes a record takes at most.
    """

    numbers: Array
    places: Array
    bytes: Array
    own_numbers: Array
    own_places: Array
    longest: int


def make_room(samples: int, inputs: int, dtype: Any) -> Room:
    """Return room for the records of so many samples, or of fewer if that takes very much."""
    longest, longer = most_bytes(inputs, int(np.dtype(dtype).itemsize)), inputs + lanes(dtype)
    memory = np.empty(-(-max(longest, min(CHUNK_BYTES, longest * samples)) // 8), np.int64)
    parts = memory.view(dtype), memory.view(PLACE), memory.view(np.uint8)
    return Room(*parts, np.zeros(longer, dtype), np.zeros(longer, PLACE), longest)


def filled(x: Array) -> float:
    """Return which share of the numbers are not 0, as far as some of the samples tell."""
    some = _some(x)
    return float(np.count_nonzero(some) / max(some.size, 1))


def worth_it(x: Array, outputs: int, dtype: Any) -> bool:
    """Return whether the first layer is sooner done by records."""
    possible = lanes(dtype) < outputs and x.shape[1] <= MOST_PLACES
    return possible and filled(x) < MOST_FILLED


def _some(x: Array) -> Array:
    return x[:: max(1, len(x) // LOOKED_AT)]


def make_records(x: Array, scale: Any) -> Records:
    """Return the records of the samples x (N, D), contiguous, times `scale`, in the dtype of that."""
    levels = levels_of(x, scale, _some(x))
    records = _make_records(x, scale, levels)
    if records is None:
        records = _make_records(x, scale, levels[:0])
        assert records is not None  # without levels every number will do
    return records


def _make_records(x: Array, scale: Any, levels: Array) -> Records | None:
    """Make them with these levels; return None if a number is none of them."""
    workers = min(_threads.allowed(enough_work=x.size > WORTH_SHARING), len(x))
    records = Records(np.zeros((len(x), 2), dtype=np.int64), levels, [])
    stopped = threading.Event()

    def make_part(me: int) -> bool:
        if workers > 1:
            _threads.spread(me)
        begin, stop = len(x) * me // workers, len(x) * (me + 1) // workers
        while begin < stop and not stopped.is_set():
            room = make_room(stop - begin, x.shape[1], scale.dtype)
            records.memory.append(room.numbers)
            begin = fill(room, x, begin, stop, scale, levels, records.addresses)
            if begin < 0:
                stopped.set()
                return False
        return True

    if workers <= 1:
        return records if make_part(0) else None
    with ThreadPoolExecutor(workers) as pool:
        parts = [pool.submit(make_part, me) for me in range(workers)]
        try:
            return records if all(part.result() for part in parts) else None
        finally:
            stopped.set()


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
def fill(room: Any, x: Array, begin: int, stop: int, scale: Any, levels: Array, addresses: Array) -> int:
    """Write the records of samples begin to stop, as many as there is room for, and where they are.

    Returns the next sample, or -1 if a number is none of the levels.
    """
    inputs, item, at = x.shape[1], number_bytes(levels), 0
    header = header_bytes(inputs)
    for sample in range(begin, stop):
        if at + room.longest > room.bytes.size:
            return sample
        bounds, numbers = room.places[at // 2 :], room.own_numbers
        if levels.size == 0:
            numbers = room.numbers[(at + header) // item :]
        listed = bounds[0] = 0
        for block in range(blocks_of(inputs)):
            first, last = block * BLOCK, min((block + 1) * BLOCK, inputs)
            listed += list_rows(x[sample], first, last, scale, numbers[listed:], room.own_places[listed:])
            bounds[block + 1] = listed
        if levels.size > 0 and not to_levels(numbers, listed, levels, room.bytes[at + header :]):
            return -1
        after = (at + header + listed * item + 1) // 2
        for i in range(listed):
            room.places[after + i] = room.own_places[i]
        addresses[sample, 0] = room.bytes.ctypes.data + at
        at = (2 * (after + listed) + 7) // 8 * 8
        addresses[sample, 1] = room.bytes.ctypes.data + at
    return stop


@njit
def entries(record: int, inputs: int, item: int) -> tuple[int, int, int]:
    """Return where a record's numbers are, of so many bytes each, and their places, and how many."""
    count = place_at(record, blocks_of(inputs))
    numbers = record + header_bytes(inputs)
    return numbers, numbers + (count * item + 1) // 2 * 2, count
