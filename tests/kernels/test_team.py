"""How many threads an epoch gets: measured on its own first steps."""

import math

import numpy as np
import pytest

import xpnet
from xpnet.nets import MultiLayerNet
from xpnet_kernels import _threads
from xpnet_kernels.mlp_epoch import team

SMALL = 10_000


class Epoch:
    """Steps that take what they are said to take, for each number of threads."""

    def __init__(self, seconds, steps=10_000):
        self.seconds, self.left, self.asked = seconds, steps, []

    def make(self, threads, count):
        if count > self.left:
            return math.inf
        self.left -= count
        self.asked.append((threads, count))
        return self.seconds[threads] * count

    def fastest(self, multiplications=SMALL, key="key"):
        return team.fastest(self.make, self.left, multiplications, key)


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch):
    monkeypatch.setattr(team, "_fastest", {})
    monkeypatch.setattr(_threads, "available", lambda: 4)
    monkeypatch.delenv("XPNET_NUM_THREADS", raising=False)
    yield
    _threads.choose(None)


@pytest.mark.parametrize("best", [1, 2, 4])
def test_the_fastest_number_is_found_and_remembered(best):
    seconds = {number: 1e-5 if number == best else 2e-5 for number in (1, 2, 4)}
    epoch = Epoch(seconds)
    assert epoch.fastest() == best
    made = len(epoch.asked)
    assert epoch.fastest() == best
    assert len(epoch.asked) == made
    epoch.fastest(key="another")
    assert len(epoch.asked) > made


def test_more_threads_have_to_gain_something():
    assert Epoch({1: 1e-5, 2: 0.97e-5, 4: 0.96e-5}).fastest() == 1
    assert Epoch({1: 1e-5, 2: 0.7e-5, 4: 0.68e-5}).fastest(key="more") == 2


def test_each_number_is_measured_for_some_milliseconds():
    epoch = Epoch({1: 1e-5, 2: 1e-5, 4: 1e-5}, 100_000)
    epoch.fastest()
    assert epoch.asked[2:] == 2 * [(number, 400) for number in (1, 2, 4)]


def test_all_processors_where_their_number_is_no_power_of_two(monkeypatch):
    monkeypatch.setattr(_threads, "available", lambda: 6)
    assert Epoch({1: 6.0, 2: 3.0, 4: 1.6, 6: 1.0}).fastest() == 6


@pytest.mark.parametrize(("multiplications", "expected"), [(99_999, 1), (100_000, 4)])
@pytest.mark.parametrize("steps", [0, 7, 30])
def test_too_few_steps_to_measure(steps, multiplications, expected):
    epoch = Epoch(dict.fromkeys((1, 2, 4), 1e-5), steps)
    assert epoch.fastest(multiplications) == expected
    assert not team._fastest


def test_much_work_is_shared_unmeasured():
    epoch = Epoch({})
    assert epoch.fastest(team.SURELY_WORTH_SHARING) == 4
    assert not epoch.asked


def test_a_number_that_was_chosen_is_taken_unmeasured(monkeypatch):
    epoch = Epoch({})
    _threads.choose(3)
    assert epoch.fastest() == 3
    _threads.choose(None)
    monkeypatch.setenv("XPNET_NUM_THREADS", "2")
    assert epoch.fastest() == 2
    assert not epoch.asked


def test_an_epoch_that_was_stopped_teaches_nothing():
    epoch = Epoch(dict.fromkeys((1, 2, 4), 1e-5))
    make = epoch.make

    def stopped_in_the_end(threads, count):
        seconds = make(threads, count)
        if len(epoch.asked) == 4:
            epoch.left = 0
        return seconds

    assert team.fastest(stopped_in_the_end, epoch.left, SMALL, "key") in (1, 2, 4)
    assert not team._fastest


def test_an_epoch_by_changing_numbers_of_threads_gives_the_same_bits(monkeypatch):
    monkeypatch.setattr(team, "SECONDS", 0)
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(900, 20)), rng.integers(0, 5, 900)
    xpnet.use("numba")
    results = []
    for threads in (None, 1):
        _threads.choose(threads)
        net = MultiLayerNet(20, [30, 17], 5, seed=1, weight_decay_lambda=1e-2)
        momentum = xpnet.optimizers.Momentum()
        history = net.fit(x, t, batch_size=10, epochs=2, seed=2, optimizer=momentum, verbose=False)
        results.append((b"".join(array.tobytes() for array in net.params.values()), history.loss))
    assert len(team._fastest) == 1
    assert results[0] == results[1]
