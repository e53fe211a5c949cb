"""The choice of a backend: measured once, remembered, and the net left as it was."""

import json
import time

import numpy as np
import pytest

import xpnet
from xpnet.bench import Choice, choose
from xpnet.bench import choice as module


@pytest.fixture
def net():
    return xpnet.nets.TwoLayerNet(64, 20, 10, seed=0)


@pytest.fixture
def times(monkeypatch):
    """Fix what is measured: numba is quicker from batch 100 on."""
    asked = []

    def measure(net, x, t, batch, names):
        asked.append(batch)
        return {"numpy": 1e-5 * batch, "numba": 5e-4}

    monkeypatch.setattr(module, "_measure", measure)
    return asked


def test_the_quickest_is_taken_and_remembered(net, data, times, tmp_path):
    cache = tmp_path / "new" / "choices.json"
    first = choose(net, data.x, data.t, batch_size=10, cache=cache)
    assert (first.backend, first.remembered) == ("numpy", False)
    second = choose(net, data.x, data.t, batch_size=10, cache=cache)
    assert (second.backend, second.remembered, second.seconds) == ("numpy", True, first.seconds)
    assert times == [10]
    choose(net, data.x, data.t, batch_size=100, cache=cache)
    choose(xpnet.nets.TwoLayerNet(64, 21, 10), data.x, data.t, batch_size=10, cache=cache)
    choose(net, data.x, data.t, batch_size=10, cache=cache, again=True)
    assert times == [10, 100, 10, 10]
    assert len(json.loads(cache.read_text())) == 3


def test_the_crossover(net, data, times, tmp_path):
    choice = choose(net, data.x, data.t, batch_size=20, crossover=True, cache=tmp_path / "c.json")
    assert choice.backend == "numpy"
    assert choice.crossover == [(1, "numpy"), (100, "numba")]
    assert str(choice).endswith("from batch 1 on numpy; from batch 100 on numba")


@pytest.mark.parametrize("content", ["", "[]", "not json"])
def test_a_spoilt_cache_is_measured_anew(net, data, times, tmp_path, content):
    cache = tmp_path / "c.json"
    cache.write_text(content)
    assert choose(net, data.x, data.t, cache=cache).backend == "numba"
    assert len(json.loads(cache.read_text())) == 1


def test_a_read_only_home_is_no_error(net, data, times, tmp_path):
    (tmp_path / "file").write_text("")
    assert choose(net, data.x, data.t, cache=tmp_path / "file" / "c.json").backend == "numba"


def test_a_real_measurement_is_quick_and_leaves_the_net_alone(net, data, tmp_path):
    before = {name: np.array(array) for name, array in net.params.items()}
    state = repr(xpnet.random.generator().bit_generator.state)
    choose(net, data.x, data.t, cache=tmp_path / "warm.json")  # kernels compile
    started = time.perf_counter()
    choice = choose(net, data.x, data.t, cache=tmp_path / "c.json")
    assert time.perf_counter() - started < module.BUDGET
    assert isinstance(choice, Choice)
    assert set(choice.seconds) == {status.name for status in xpnet.backends() if status.usable}
    assert repr(xpnet.random.generator().bit_generator.state) == state
    for name, array in net.params.items():
        np.testing.assert_array_equal(array, before[name])
