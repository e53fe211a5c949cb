"""An epoch of one sample a step, in both ways that there are: the steps are those of the reference."""

import itertools
import math

import numpy as np
import pytest

from xpnet_kernels import mlp_epoch
from xpnet_kernels._simd_list import MOST_PLACES
from xpnet_kernels.mlp_epoch import cpu

RNG = np.random.default_rng(0)
SAMPLES = 40  # more than a block


@pytest.fixture(autouse=True, params=["ONE_BY_ONE", "DELAYED"])
def taken(request, monkeypatch):
    """Return what the way's buffers are made from; it is taken for every net."""
    for name in ("MOSTLY_FIRST", "WORTH_DELAYING"):
        monkeypatch.setattr(cpu, name, 0 if request.param == "DELAYED" else math.inf)
    monkeypatch.setattr(cpu, "AT_ONCE", 0)
    chosen, seen = getattr(cpu, request.param), []
    monkeypatch.setattr(
        cpu, request.param, chosen._replace(make=lambda *args: seen.append(args) or chosen.make(*args))
    )
    return seen


def epoch(function, x, arrays, update="sgd", activation="relu", weight_decay=0.0, **more):
    options = [{"lr": 0.05, "momentum": 0.9} if update == "momentum" else {"lr": 0.05}] * len(x)
    layers = len(arrays) // (4 if update == "momentum" else 2)
    activations = (activation,) * (layers - 1)
    how = {"batch_size": 1, "update": update, "options": options, "weight_decay": weight_decay, **more}
    return function(x, np.arange(len(x)) % 3, np.arange(len(x)), *arrays, activations=activations, **how)


def parameters(*sizes, dtype="float64"):
    pairs = itertools.pairwise(sizes)
    arrays = [(RNG.normal(size=(D, H)) / np.sqrt(D), RNG.normal(size=H)) for D, H in pairs]
    return [array.astype(dtype) for pair in arrays for array in pair]


def agree(x, arrays, **how):
    found = epoch(cpu.train_on_cpu, x, arrays, **how)
    expected = epoch(lambda *args, **options: mlp_epoch.reference(np, *args, **options), x, arrays, **how)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("hidden", [(), (1,), (7,), (8, 33), (300,)])
def test_the_steps_are_those_of_the_reference(hidden, activation):
    x = RNG.normal(size=(SAMPLES, 21))
    x[RNG.random(x.shape) < 0.5] = 0
    agree(x, parameters(21, *hidden, 3), activation=activation)


@pytest.mark.parametrize("zeros", ["none", "all", "some pixels"])
def test_what_is_0_makes_no_difference(zeros):
    x = RNG.integers(1, 256, (SAMPLES, 30)).astype(np.uint8)
    if zeros != "none":
        x[RNG.random(x.shape) < (0.8 if zeros == "some pixels" else 1)] = 0
    agree(x, parameters(30, 9, 3))


def test_no_number_in_a_sample_reaches_the_loss():
    x = RNG.normal(size=(SAMPLES, 5))
    x[3, 2] = np.nan
    losses, *_ = epoch(cpu.train_on_cpu, x, parameters(5, 4, 3))
    assert np.isfinite(losses[:3]).all()
    assert np.isnan(losses[3:]).all()


def test_it_stops_after_a_step_and_keeps_what_it_has_learned():
    x, arrays = RNG.normal(size=(200_000, 50)), parameters(50, 40, 3)
    losses, *new = epoch(cpu.train_on_cpu, x, arrays, should_stop=lambda: True)
    assert 0 < len(losses) < len(x)
    again = epoch(cpu.train_on_cpu, x[: len(losses)], arrays)
    for one, other in zip((losses, *new), again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("update", "weight_decay", "one"), [("sgd", 0, 1), ("sgd", 0.1, 0), ("momentum", 0, 0)]
)
def test_only_plain_descent_takes_such_a_way(update, weight_decay, one, taken):
    arrays = parameters(6, 4, 3)
    arrays += [np.zeros_like(array) for array in arrays] if update == "momentum" else []
    agree(RNG.normal(size=(SAMPLES, 6)), arrays, update=update, weight_decay=weight_decay)
    assert len(taken) == one


def test_a_sample_with_more_places_than_a_list_can_note():
    x = np.zeros((3, MOST_PLACES + 100))
    x[:, [5, MOST_PLACES + 50]] = RNG.normal(size=(3, 2))
    agree(x, parameters(x.shape[1], 3))
