"""Epochs by records: the steps are those of the reference, with the same bits for any number of threads."""

import itertools

import numpy as np
import pytest

from xpnet_kernels import _threads, mlp_epoch
from xpnet_kernels.mlp_epoch import cpu, records
from xpnet_kernels.mlp_epoch.records import make_records

SAMPLES = 130
SETTINGS = {
    "sgd": {"lr": 0.1},
    "momentum": {"lr": 0.05, "momentum": 0.9},
    "rmsprop": {"lr": 0.01, "decay": 0.9, "eps": 1e-7},
    "adam": {"lr": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-7, "unbias1": 5.0, "unbias2": 50.0},
}


def call(sizes, batch=20, update="sgd", dtype="float64", data="pixels", decay=0.0, filled=0.2, **more):
    """Return the arrays and the options of an epoch on samples of which a share is not 0.

    The data are uint8, or as many divided by 255, or numbers that are no pixels.
    """
    rng = np.random.default_rng(0)
    x = rng.integers(1, 256, (SAMPLES, sizes[0])).astype("uint8")
    x[rng.random(x.shape) >= filled] = 0
    arrays = []
    for D, H in itertools.pairwise(sizes):
        arrays += [(rng.normal(size=(D, H)) / np.sqrt(D)).astype(dtype), rng.normal(size=H).astype(dtype)]
    kept = {"sgd": 0, "adam": 2}.get(update, 1)
    arrays += [rng.random(array.shape).astype(dtype) for _ in range(kept) for array in arrays]
    x = x if data == "uint8" else (x / (255 if data == "pixels" else 300)).astype(dtype)
    options = {
        "activations": ("relu",) * (len(sizes) - 2),
        "batch_size": batch,
        "update": update,
        "options": [SETTINGS[update]] * -(-SAMPLES // batch),
        "weight_decay": decay,
        **more,
    }
    return [x, rng.integers(0, sizes[-1], SAMPLES), rng.permutation(SAMPLES), *arrays], options


@pytest.fixture
def ways(monkeypatch):
    """Return the names of the ways that epochs are made, in turn; records are made for the first."""
    monkeypatch.setattr(cpu, "AT_ONCE", 0)
    taken = []

    def noting(way):
        return way._replace(
            make=lambda *args: taken.append("records" if args[-1] else way.name) or way.make(*args)
        )

    for name in ("IN_BATCHES", "ONE_BY_ONE", "DELAYED"):
        monkeypatch.setattr(cpu, name, noting(getattr(cpu, name)))
    return taken


def agree(arrays, options, tolerance=1e-12):
    found = cpu.train_on_cpu(*arrays, **options)
    expected = mlp_epoch.reference(np, *arrays, **options)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
    return found


@pytest.mark.parametrize("data", ["uint8", "pixels", "numbers"])
@pytest.mark.parametrize("sizes", [(130, 50, 10), (300, 9, 3), (113, 17), (40, 80, 33, 3)])
@pytest.mark.parametrize("update", sorted(SETTINGS))
def test_the_steps_are_those_of_the_reference(update, sizes, data, ways):
    agree(*call(sizes, update=update, data=data))
    agree(*call(sizes, update=update, data=data, decay=0.01))
    assert ways == ["records"] * 2


@pytest.mark.parametrize("data", ["pixels", "numbers"])
@pytest.mark.parametrize("batch", [1, 7, SAMPLES, 1000])
def test_batches_of_any_size(batch, data, ways):
    agree(*call((130, 40, 5), batch=batch, update="momentum", data=data))
    assert ways == ["records"]


def test_batches_that_go_through_in_pieces(ways, monkeypatch):
    monkeypatch.setattr(cpu, "piece_rows", lambda *args: 7)
    agree(*call((130, 40, 5), batch=32))
    agree(*call((130, 40, 5), batch=32, update="adam"))
    assert ways == ["records"] * 2


def test_float32_stays_close(ways):
    agree(*call((130, 50, 10), dtype="float32"), tolerance=2e-5)
    assert ways == ["records"]


@pytest.mark.parametrize("update", ["sgd", "momentum"])
@pytest.mark.parametrize("sizes", [(130, 50, 10), (130, 300, 10)])
def test_any_number_of_threads_gives_the_same_bits(sizes, update, ways, monkeypatch):
    arrays, options = call(sizes, dtype="float32", update=update)
    monkeypatch.setattr(_threads, "_chosen", 1)
    alone = cpu.train_on_cpu(*arrays, **options)
    for workers in (2, 3, 5):
        monkeypatch.setattr(_threads, "_chosen", workers)
        for one, other in zip(cpu.train_on_cpu(*arrays, **options), alone, strict=True):
            np.testing.assert_array_equal(one, other)
    assert ways == ["records"] * 4


@pytest.mark.parametrize(("outputs", "expected"), [(40, [0, 1, 1]), (records.AT_ONCE, [1, 1, 1])])
def test_records_are_made_once_for_the_epoch_that_makes_up_for_it(outputs, expected, monkeypatch):
    made, make = [], make_records
    monkeypatch.setattr(cpu, "make_records", lambda x, scale: made.append(len(x)) or make(x, scale))
    arrays, options = call((130, outputs, 5), workspace={})
    cpu.train_on_cpu(*arrays, **(options | {"options": []}))
    assert made == [1]  # compiled, not yet made
    made.clear()
    counts = []
    for _ in expected:
        agree(arrays, options)
        counts.append(len(made))
    assert counts == expected


def test_samples_without_zeros_are_read_themselves(ways, monkeypatch):
    monkeypatch.setattr(cpu, "make_records", None)
    agree(*call((130, 40, 5), filled=1))
    agree(*call((130, 40, 5), filled=records.MOST_FILLED + 0.05))
    assert ways == ["batches"] * 2


def test_no_number_in_a_sample_reaches_the_loss():
    arrays, options = call((130, 40, 5), batch=10)
    arrays[0][arrays[2][35], 7] = np.nan
    losses, *_ = cpu.train_on_cpu(*arrays, **options)
    assert np.isfinite(losses[:3]).all()
    assert np.isnan(losses[3:]).all()


def test_small_gradients_do_not_vanish_beside_large_weights(ways):
    arrays, options = call((130, 40, 3), dtype="float32", batch=SAMPLES, filled=0.3)
    arrays[3] += 30 * np.sign(arrays[3])
    options["options"] = [{"lr": 0.1}]
    exact = [array.astype("float64") if array.dtype == np.float32 else array for array in arrays]
    _, found, *_ = cpu.train_on_cpu(*arrays, **options)
    _, expected, *_ = mlp_epoch.reference(np, *exact, **options)
    assert np.abs(expected - exact[3]).max() > 1e-3
    assert np.abs(found - expected).max() < 0.6 * np.spacing(np.float32(32)) + 1e-7
    assert ways == ["records"]
