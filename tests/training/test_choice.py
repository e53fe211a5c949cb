"""The choice of a backend: measured once, remembered, and the net left as it was."""

import json

import numpy as np
import pytest

import xpnet
from xpnet.training import choice as module
from xpnet.training._trial import Trial
from xpnet.training.choice import choose

X = np.random.default_rng(0).random((150, 12), dtype=np.float32)
T = np.arange(150) % 3
USABLE = {status.name for status in xpnet.backends() if status.usable}


@pytest.fixture
def net():
    return xpnet.nets.TwoLayerNet(12, 8, 3, seed=0)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(module, "_kept", {})


@pytest.fixture
def asked(monkeypatch):
    """Fix what is measured: numpy is quicker below batch 50; the list of what was measured."""
    seen = []

    def seconds(trial, name, batch, limit):
        seen.append((name, batch))
        return 1e-6 * batch if name == "numpy" else 5e-5

    monkeypatch.setattr(Trial, "seconds", seconds)
    return seen


def batches(asked):
    return [batch for name, batch in asked if name == "numpy"]


def test_the_quickest_is_taken_and_remembered(net, asked, tmp_path):
    cache = tmp_path / "new" / "choices.json"
    first = choose(net, X, T, batch_size=10, cache=cache)
    assert (first.backend, first.remembered) == ("numpy", False)
    assert {name for name, _ in asked} == USABLE
    module._kept.clear()  # another process
    second = choose(net, X, T, batch_size=10, cache=cache)
    assert (second.backend, second.remembered, second.seconds) == ("numpy", True, first.seconds)
    assert batches(asked) == [10]
    assert str(second).endswith("µs, remembered)")


@pytest.mark.parametrize(
    "other",
    [
        {"batch_size": 100},
        {"optimizer": "adam"},
        {"engine": "layers"},
        {"again": True},
        {"net": xpnet.nets.TwoLayerNet(12, 9, 3)},
        {"net": xpnet.nets.TwoLayerNet(12, 8, 3, dtype="float64")},
    ],
    ids=lambda other: "-".join(other),
)
def test_another_net_or_another_way_to_train_it_is_measured_for_itself(net, asked, tmp_path, other):
    same = {"net": net, "x": X, "t": T, "batch_size": 10, "cache": tmp_path / "c.json"}
    choose(**same)
    assert not choose(**same | other).remembered
    assert len(batches(asked)) == 2


def test_the_crossover(net, asked, tmp_path):
    choice = choose(net, X, T, batch_size=20, crossover=True, cache=tmp_path / "c.json")
    assert choice.backend == "numpy"
    assert batches(asked) == [20, 1, 10, 100]  # 1000 are more than there is
    assert choice.crossover == [(1, "numpy"), (100, choice.crossover[-1][1])]
    assert str(choice).endswith(f"from batch 1 on numpy; from batch 100 on {choice.crossover[-1][1]}")
    again = choose(net, X, T, batch_size=20, crossover=True, cache=tmp_path / "c.json")
    assert again.remembered
    assert again.crossover == choice.crossover


def test_batches_that_would_take_too_long_are_left_out(net, monkeypatch, tmp_path):
    monkeypatch.setattr(Trial, "seconds", lambda trial, name, batch, limit: 0.002 * batch)
    choice = choose(net, X, T, batch_size=10, crossover=True, cache=tmp_path / "c.json")
    assert len(json.loads((tmp_path / "c.json").read_text())) == 2  # 10 and 1; 100 would take 2 s
    assert set(choice.seconds.values()) == {0.02}


def test_less_than_a_batch_is_one(net, asked, tmp_path):
    choose(net, X[:7], T[:7], batch_size=100, cache=tmp_path / "c.json")
    assert batches(asked) == [7]


@pytest.mark.parametrize(
    "content", ["", "[]", "not json", '{"KEY": 3}', '{"KEY": {"numpy": "1"}}', '{"KEY": {}}']
)
def test_a_spoilt_cache_is_measured_anew(net, asked, tmp_path, content):
    cache = tmp_path / "c.json"
    choose(net, X, T, batch_size=10, cache=cache)
    (key,) = json.loads(cache.read_text())
    module._kept.clear()
    cache.write_text(content.replace("KEY", key))
    assert not choose(net, X, T, batch_size=10, cache=cache).remembered
    assert list(json.loads(cache.read_text())) == [key]


def test_what_another_process_measured_meanwhile_is_kept(net, asked, tmp_path):
    cache = tmp_path / "c.json"
    choose(net, X, T, batch_size=10, cache=cache)
    module._kept.clear()
    choose(net, X, T, batch_size=20, cache=cache)
    assert len(json.loads(cache.read_text())) == 2


def test_where_nothing_can_be_written_the_process_remembers(net, asked, tmp_path):
    (tmp_path / "file").write_text("")
    cache = tmp_path / "file" / "c.json"
    assert not choose(net, X, T, batch_size=10, cache=cache).remembered
    assert choose(net, X, T, batch_size=10, cache=cache).remembered


@pytest.mark.parametrize("engine", ["auto", "layers"])
def test_a_real_measurement_leaves_the_net_its_optimizer_and_the_generator_alone(net, tmp_path, engine):
    before = {name: np.array(array) for name, array in net.params.items()}
    adam = xpnet.optimizers.Adam(lr=0.01)
    backend, state = net.backend, repr(xpnet.random.generator().bit_generator.state)
    choice = choose(net, X, T, batch_size=10, optimizer=adam, engine=engine, cache=tmp_path / "c.json")
    assert set(choice.seconds) == USABLE
    assert all(seconds > 0 for seconds in choice.seconds.values())
    assert repr(xpnet.random.generator().bit_generator.state) == state
    assert (adam.lr, adam.steps, net.backend) == (0.01, 0, backend)
    assert not any(cell.state for cell in net.params.cells.values())
    for name, array in net.params.items():
        np.testing.assert_array_equal(array, before[name])


def test_wrong_data_are_fits_own_error(net, tmp_path):
    with pytest.raises(ValueError, match="7"):
        choose(net, X[:, :7], T, batch_size=10, cache=tmp_path / "d.json")
    assert not (tmp_path / "d.json").exists()
