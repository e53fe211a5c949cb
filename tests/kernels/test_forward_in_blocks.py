"""Many rows at once: by records of what is not 0 where that pays, and the same logits either way."""

import itertools

import numpy as np
import pytest

from xpnet_kernels import _threads
from xpnet_kernels.mlp_epoch.phases import CODES, NONE
from xpnet_kernels.mlp_forward import blocks

RNG = np.random.default_rng(0)
ROWS = 3 * blocks.BLOCK + 7


@pytest.fixture
def listed(monkeypatch):
    """Return, for each time that buffers were made, whether they were for records."""
    seen, make = [], blocks.make_net
    monkeypatch.setattr(blocks, "make_net", lambda *args, **more: seen.append(args[4]) or make(*args, **more))
    return seen


def parameters(*sizes, dtype="float32"):
    shapes = [shape for D, H in itertools.pairwise(sizes) for shape in ((D, H), (H,))]
    return [(RNG.normal(size=shape) / np.sqrt(shape[0])).astype(dtype) for shape in shapes]


def inputs(D, dtype="float32", zeros=0.8):
    x = RNG.integers(1, 256, (ROWS, D))
    x[RNG.random(x.shape) < zeros] = 0
    return x.astype("uint8") if dtype == "uint8" else (x / 255).astype(dtype)


def exact(x, arrays):
    y = x / 255 if x.dtype == np.uint8 else x.astype("float64")
    for number, (W, b) in enumerate(zip(arrays[::2], arrays[1::2], strict=True)):
        y = (np.maximum(y, 0) if number else y) @ W.astype("float64") + b
    return y


def logits(x, arrays, spare=None):
    codes = [CODES["relu"]] * (len(arrays) // 2 - 1) + [NONE]
    return blocks.forward_in_blocks(x, arrays, codes, [] if spare is None else spare)


@pytest.mark.parametrize("zeros", [0, 0.8, 1])
@pytest.mark.parametrize("pixels", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [(300, 80, 10), (130, 100, 33, 3), (113, 97)])
def test_the_logits_are_those_of_float64(sizes, dtype, pixels, zeros, listed):
    arrays = parameters(*sizes, dtype=dtype)
    x = inputs(sizes[0], "uint8" if pixels else dtype, zeros)
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(logits(x, arrays), exact(x, arrays), rtol=tolerance, atol=tolerance)
    assert listed == [zeros > 0]


def test_a_narrow_first_layer_makes_no_records(listed):
    x, arrays = inputs(300), parameters(300, blocks.WORTH_LISTING - 1, 10)
    np.testing.assert_allclose(logits(x, arrays), exact(x, arrays), rtol=2e-5, atol=2e-5)
    assert listed == [False]


def test_any_number_of_threads_gives_the_same_bits(monkeypatch):
    x, arrays, found = inputs(300), parameters(300, 90, 10), []
    for workers in (1, 2, 3):
        monkeypatch.setattr(_threads, "_chosen", workers)
        found.append(logits(x, arrays))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_buffers_are_kept_for_data_of_the_same_kind(listed):
    spare, arrays = [], parameters(300, 90, 10)
    for zeros in (0.8, 0.8, 0, 0, 0.8):
        x = inputs(300, zeros=zeros)
        np.testing.assert_allclose(logits(x, arrays, spare), exact(x, arrays), rtol=2e-5, atol=2e-5)
    assert listed == [True, False, True]


def test_what_is_no_number_is_seen():
    x, arrays = inputs(300), parameters(300, 90, 10)
    x[5, 7] = np.nan
    assert np.flatnonzero(np.isnan(logits(x, arrays)).any(axis=1)).tolist() == [5]
