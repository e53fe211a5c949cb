"""Changes of the first layer that are delayed: which nets that is for, and the same bits whoever computes."""

import itertools

import numpy as np
import pytest

from xpnet_kernels import _threads, mlp_epoch
from xpnet_kernels.mlp_epoch import cpu, steps
from xpnet_kernels.mlp_epoch.delayed import BLOCK

RNG = np.random.default_rng(0)
SAMPLES = 4 * BLOCK + 7


def inputs(count, D, zeros=0.8):
    x = RNG.normal(size=(count, D)).astype("float32")
    x[RNG.random(x.shape) < zeros] = 0
    return x


def epoch(x, arrays, activation="relu", function=cpu.train_on_cpu, **more):
    options = [{"lr": 0.05 / (1 + step)} for step in range(len(x))]  # each step its own
    how = {"activations": (activation,) * (len(arrays) // 2 - 1), "batch_size": 1, "update": "sgd"}
    t, order = np.arange(len(x)) % arrays[-1].size, np.arange(len(x))[::-1].copy()
    return function(x, t, order, *arrays, options=options, **how, **more)


def parameters(*sizes):
    shapes = [shape for D, H in itertools.pairwise(sizes) for shape in ((D, H), (H,))]
    return [(RNG.normal(size=shape) / np.sqrt(shape[0])).astype("float32") for shape in shapes]


@pytest.mark.parametrize(
    ("sizes", "zeros", "way"),
    [
        ((784, 50, 10), 0.8, "DELAYED"),
        ((784, 50, 10), 0.95, "ONE_BY_ONE"),
        ((784, 10), 0.8, "ONE_BY_ONE"),
        ((784, 10), 0, "DELAYED"),
        ((784, 100, 50, 10), 0.8, "DELAYED"),
        ((784, 256, 128, 10), 0.8, "ONE_BY_ONE"),
        ((784, 1024, 1024, 10), 0.8, "ONE_BY_ONE"),
        ((70_000, 300, 300), 0.8, "DELAYED"),
        ((70_000, 30, 30), 0.95, "IN_BATCHES"),
        ((300, 70_000, 300), 0.8, "IN_BATCHES"),
    ],
)
def test_the_way_goes_by_where_the_weights_are_and_by_the_zeros(sizes, zeros, way):
    assert cpu.way_of(inputs(20, sizes[0], zeros), sizes, 1, "sgd", 0.0) is getattr(cpu, way)


@pytest.mark.parametrize("kind", ["dense", "numbers", "uint8", "pixels"])
@pytest.mark.parametrize("sizes", [(300, 50, 10), (200, 30, 9, 3), (40, 27)])
def test_any_number_of_threads_gives_the_same_bits(sizes, kind, monkeypatch):
    monkeypatch.setattr(cpu, "AT_ONCE", 0)
    x, arrays, results = inputs(SAMPLES, sizes[0], 0 if kind == "dense" else 0.8), parameters(*sizes), []
    if kind in ("uint8", "pixels"):
        x = (80 * np.abs(x)).astype("uint8")
        x = x if kind == "uint8" else x / np.float32(255)
    assert cpu.way_of(x, sizes, 1, "sgd", 0.0) is cpu.DELAYED
    for workers in (1, 2, 3, 5):
        monkeypatch.setattr(_threads, "_chosen", workers)
        results.append(epoch(x, arrays))
    for others in zip(*results, strict=True):
        for one in others[1:]:
            np.testing.assert_array_equal(others[0], one)


def test_turns_of_the_numbers_of_threads_begin_with_a_block(monkeypatch):
    """Else the bits would depend on how long something took."""
    x, arrays, made = inputs(SAMPLES, 300), parameters(300, 50, 10), []

    def one_at_a_time(make, most, count, multiplications, like):
        for number in range(count):
            make(1 + number % 2, 1)
        made.append(count)

    whole = epoch(x, arrays)
    monkeypatch.setattr(steps, "make_steps", one_at_a_time)
    for one, other in zip(whole, epoch(x, arrays), strict=True):
        np.testing.assert_array_equal(one, other)
    assert made == [5]


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_float32_is_close_after_100_steps(activation):
    x, arrays = inputs(100, 784), parameters(784, 50, 10)
    found = epoch(x, arrays, activation)
    exact = [array.astype("float64") for array in arrays]
    reference = epoch(
        x.astype("float64"), exact, activation, lambda *a, **k: mlp_epoch.reference(np, *a, **k)
    )
    for one, other in zip(found, reference, strict=True):
        assert np.linalg.norm(one - other) < 1e-5 * np.linalg.norm(other)


def test_buffers_that_are_kept_bring_nothing_of_an_epoch_into_the_next(monkeypatch):
    """A short block leaves rows of the block before it behind."""
    monkeypatch.setattr(cpu, "AT_ONCE", 0)
    x, arrays, kept = inputs(SAMPLES, 300), parameters(300, 50, 10), {}
    for _ in range(3):
        found, alone = epoch(x, arrays, workspace=kept), epoch(x, arrays)
        for one, other in zip(found, alone, strict=True):
            np.testing.assert_array_equal(one, other)
