"""Samples as records of what is not 0 in them: nothing is lost, whatever is 0, and nothing is added."""

import ctypes

import numpy as np
import pytest

from xpnet_kernels import _threads
from xpnet_kernels._simd import lanes
from xpnet_kernels._simd_list import MOST_PLACES, PLACE
from xpnet_kernels.mlp_epoch import records
from xpnet_kernels.mlp_epoch.levels import LEVELS, levels_of
from xpnet_kernels.mlp_epoch.records import BLOCK, make_records, worth_it

RNG = np.random.default_rng(0)


def with_zeros(shape, dtype, share=0.8):
    x = RNG.integers(1, 256, shape).astype(dtype)
    x[RNG.random(shape) < share] = 0
    return x


def memory(address, count, dtype):
    kind, address = np.dtype(dtype), int(address)
    return np.frombuffer((ctypes.c_char * (count * kind.itemsize)).from_address(address), kind)


def restored(made, sample, inputs):
    """Read a record back as a sample, and check what it says of its blocks."""
    address, end = made.addresses[sample]
    blocks, dtype = records.blocks_of(inputs), made.levels.dtype
    kind = np.dtype("uint8") if made.levels.size else dtype
    bounds = memory(address, blocks + 1, PLACE).astype(int)
    numbers, places, count = records.entries(address, inputs, kind.itemsize)
    assert places % PLACE.itemsize == 0
    numbers, places = memory(numbers, count, kind), memory(places, count, PLACE)
    assert address % 8 == 0
    assert bounds[0] == 0
    assert bounds[-1] == count
    assert places.ctypes.data + places.nbytes <= end
    for block in range(blocks):
        assert (places[bounds[block] : bounds[block + 1]] // BLOCK == block).all()
    assert (np.diff(places.astype(int)) > 0).all()
    sample = np.zeros(inputs, dtype)
    sample[places] = made.levels[numbers] if made.levels.size else numbers
    return sample


def hold(made, x):
    """Assert that the records hold the samples."""
    for number, sample in enumerate(x):
        np.testing.assert_array_equal(restored(made, number, x.shape[1]), sample)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("inputs", [1, 7, 33, BLOCK, BLOCK + 1, 3 * BLOCK - 1])
def test_a_record_holds_the_sample(inputs, dtype):
    pixels, one = with_zeros((23, inputs), dtype), np.dtype(dtype).type(1)
    pixels[3], pixels[4] = 0, 9
    scale = np.dtype(dtype).type(1 / 255)
    made = make_records(pixels.astype("uint8"), scale)
    assert made.levels.size == LEVELS
    hold(made, pixels * scale)
    for x in (pixels, pixels / np.dtype(dtype).type(255), pixels * scale):
        made = make_records(x, one)
        assert made.levels.size == LEVELS
        hold(made, x)
    for x in (pixels / 210, -pixels, pixels * 1e20):
        x = x.astype(dtype)
        made = make_records(x, one)
        assert made.levels.size == 0
        hold(made, x)


@pytest.mark.parametrize("other", [0.5, 256, -1, np.nan, np.inf, 1e30])
@pytest.mark.parametrize("workers", [1, 2])
def test_one_number_that_is_no_pixel_is_kept_as_it_is(other, workers, monkeypatch):
    """It is in none of the samples that are looked at before."""
    monkeypatch.setattr(records, "WORTH_SHARING", 0)
    monkeypatch.setattr(_threads, "available", lambda: workers)
    x = with_zeros((2 * records.LOOKED_AT + 1, 50), "float32")
    x[101, 20] = other
    assert levels_of(x, np.float32(1), x[::2]).size == LEVELS
    made = make_records(x, np.float32(1))
    assert made.levels.size == 0
    hold(made, x)


def test_no_number_counts_as_one_and_minus_0_does_not():
    x = np.array([[0, np.nan, -0.0, np.inf, 1e-40, 0]], np.float32)
    made = make_records(x, np.float32(1))
    assert records.entries(made.addresses[0, 0], 6, 4)[2] == 3
    hold(made, x)


@pytest.mark.parametrize("divisor", [1, 210])
@pytest.mark.parametrize("workers", [1, 3])
def test_many_pieces_of_memory_made_by_some_threads(workers, divisor, monkeypatch):
    monkeypatch.setattr(records, "CHUNK_BYTES", 4000)
    monkeypatch.setattr(records, "WORTH_SHARING", 0)
    monkeypatch.setattr(_threads, "available", lambda: workers)
    x = with_zeros((300, 150), "float32") / np.float32(divisor)
    made = make_records(x, np.float32(1))
    assert len(made.memory) > 8
    hold(made, x)


@pytest.mark.parametrize(("divisor", "number"), [(255, 1), (210, 4)])
def test_they_take_little_more_memory_than_what_is_not_0(divisor, number):
    x = with_zeros((20_000, 784), "float32") / np.float32(divisor)
    made = make_records(x, np.float32(1))
    needed = np.count_nonzero(x) * (number + PLACE.itemsize)
    begins, ends = np.sort(made.addresses, axis=0).T
    gaps = begins[1:] - ends[:-1]
    assert needed <= np.sum(ends - begins) < 1.1 * needed
    assert np.count_nonzero(gaps) < len(made.memory)  # one sample's record follows the other's


@pytest.mark.parametrize(
    ("share", "outputs", "inputs", "worth"),
    [
        (0.8, 50, 784, True),
        (0.5, 50, 784, False),
        (0.8, lanes("float32"), 784, False),
        (0.999, 50, MOST_PLACES, True),
        (0.999, 50, MOST_PLACES + 1, False),
    ],
)
def test_what_they_are_worth_making_for(share, outputs, inputs, worth):
    x = with_zeros((max(3, 100_000 // inputs), inputs), "uint8", share)
    assert worth_it(x, outputs, np.dtype("float32")) == worth


def test_samples_that_are_sorted_are_looked_at_all_over():
    x = with_zeros((1000, 50), "float32")
    x[300:] = 1
    assert not worth_it(x, 50, np.dtype("float32"))
