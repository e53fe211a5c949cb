"""How many threads an epoch gets: measured on its own steps."""

import math
import threading

import numpy as np
import pytest

import xpnet
from xpnet.nets import MultiLayerNet
from xpnet_kernels import _threads
from xpnet_kernels.mlp_epoch import team, turns

SMALL = 10_000


class Net:
    """Steps that take what they are said to take, for each number of threads."""

    def __init__(self, seconds):
        self.seconds, self.asked = seconds, []

    def make(self, threads, count):
        self.asked.append((threads, count))
        return self.seconds[threads] * count

    def time(self):
        """Return the seconds of all steps so far."""
        return sum(self.seconds[threads] * count for threads, count in self.asked)

    def epoch(self, steps=2000, multiplications=SMALL, key="key"):
        """Return the numbers of threads and the steps made with them."""
        before = len(self.asked)
        team.make_steps(self.make, _threads.allowed(enough_work=True), steps, multiplications, key)
        made = self.asked[before:]
        assert sum(count for _, count in made) == steps
        return made


def usual(made):
    """Return the number of threads that made the most steps."""
    return max(made, key=lambda turn: sum(count for threads, count in made if threads == turn[0]))[0]


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch):
    monkeypatch.setattr(team, "_trials", {})
    monkeypatch.setattr(_threads, "available", lambda: 4)
    monkeypatch.delenv("XPNET_NUM_THREADS", raising=False)
    yield
    _threads.choose(None)


@pytest.mark.parametrize(("multiplications", "first"), [(99_999, 1), (100_000, 2)])
@pytest.mark.parametrize("best", [1, 2, 4])
def test_the_fastest_number_is_found_and_remembered(best, multiplications, first):
    net = Net({number: 1e-5 if number == best else 2e-5 for number in (1, 2, 4)})
    assert net.epoch(100_000, multiplications)[0][0] == first
    assert usual(net.epoch(200_000, multiplications)) == best
    assert usual(net.epoch(100_000, multiplications)) == best
    assert net.epoch(100, multiplications, key="another") == [(first, 100)]


def test_a_first_epoch_of_one_thread_tries_no_other():
    net = Net(dict.fromkeys((1, 2, 4), 1e-5))
    assert net.epoch(100_000) == [(1, 100_000)]


@pytest.mark.parametrize("multiplications", [100_000, 10**9])
def test_two_threads_are_not_tried_against_one_in_a_first_epoch(multiplications, monkeypatch):
    monkeypatch.setattr(_threads, "available", lambda: 2)
    net = Net(dict.fromkeys((1, 2), 1e-5))
    assert net.epoch(100_000, multiplications) == [(2, 100_000)]


@pytest.mark.parametrize("multiplications", [100_000, 4_000_000, 10**8, 10**9])
@pytest.mark.parametrize("best", [2, 4, 16, 48, 64])
def test_a_first_epoch_takes_more_threads_for_as_long_as_that_is_faster(best, multiplications, monkeypatch):
    numbers = [1, 2, 4, 8, 16, 32, 48]
    monkeypatch.setattr(_threads, "available", lambda: max(numbers))
    net = Net({number: 1e-4 * max(1 / number, number / best**2) for number in numbers})
    turns = [threads for threads, _ in net.epoch(100_000, multiplications)]
    expected = min(best, 48)
    assert turns[0] == 2
    assert turns[-1] == (expected if expected in numbers else 48)
    assert max(turns) <= 2 * expected


@pytest.mark.parametrize("available", [4, 16, 64, 100])
@pytest.mark.parametrize("crawling", [1e-3, 5e-3, 0.05])
@pytest.mark.parametrize("step", [2e-5, 1e-4, 2e-3])
def test_more_threads_than_processors_cost_little(step, crawling, available, monkeypatch):
    """With more than two a step takes longer, by some milliseconds for each: so it is on two processors."""
    monkeypatch.setattr(_threads, "available", lambda: available)
    net = Net(dict.fromkeys((1, 2), step) | {n: step + n * crawling for n in (4, 8, 16, 32, 64, 100)})
    net.epoch(1000, 4_000_000)
    assert net.time() - 1000 * step < 0.15 + 16 * crawling
    net.asked.clear()
    for _ in range(20):
        net.epoch(round(1 / step), 4_000_000)
    assert net.time() < 20 * 1.03 + 10 * (0.1 + 16 * crawling)
    assert max(threads for threads, _ in net.asked) == 4


def test_the_fewest_that_are_nearly_the_fastest_are_taken():
    net = Net({1: 1e-5, 2: 0.96e-5, 4: 0.92e-5})
    net.epoch(100_000)
    assert net.epoch(200_000)[-1][0] == 2


def test_the_numbers_take_turns_for_some_milliseconds_now_and_then():
    net = Net({1: 1e-5, 2: 1.1e-5, 4: 1.2e-5})
    net.epoch()  # by one thread: 20 ms
    larger = [4, 4, 8, 16, 32, 64, 128, 250, 506, 500]
    turns = [(1, 500), (1, 1000), *[(number, count) for number in (2, 4) for count in larger]]
    made = net.epoch(100_000)
    assert made[: 1 + len(turns)] == [(1, 3000), *turns]
    assert made[1 + len(turns)] == (1, 5000)
    for _ in range(3):
        net.epoch(100_000)
    assert [count for threads, count in net.asked if threads == 4] == larger * (3 + 3)  # 4 s of training


def test_a_round_goes_up_no_further_than_it_pays():
    net = Net({1: 1e-5, 2: 1.3e-5, 4: 1e-6})
    for _ in range(3):
        net.epoch(100_000)
    assert {threads for threads, _ in net.asked} == {1, 2}


def test_a_round_begins_with_half_of_the_fastest_number(monkeypatch):
    monkeypatch.setattr(_threads, "available", lambda: 16)
    net = Net({1: 16e-5, 2: 8e-5, 4: 4e-5, 8: 2e-5, 16: 1e-5})
    net.epoch(20_000, 1_000_000)
    net.asked.clear()
    for _ in range(5):
        net.epoch(100_000, 1_000_000)
    assert {threads for threads, _ in net.asked} == {8, 16}


def test_a_first_epoch_that_compiled_does_not_shorten_the_turns_for_ever():
    net = Net({1: 1.0, 2: 1e-5, 4: 2e-5})
    net.epoch(10)
    net.seconds[1] = 3e-5
    net.epoch(20_000)
    assert net.epoch(100_000)[-1][0] == 2
    assert max(count for threads, count in net.asked if threads == 4) > 500


def test_a_round_goes_on_from_epoch_to_epoch():
    net = Net({1: 4e-5, 2: 2e-5, 4: 1e-5})
    net.epoch(1300)  # by one thread: 52 ms, of which 250 steps take 10
    epochs = [net.epoch(450) for _ in range(6)]
    assert epochs[0] == [(1, 125), (1, 325)]
    larger = [4, 4, 8, 16, 32, 64, 125]
    turns = [(number, count) for number in (2, 4) for count in larger]
    assert [turn for epoch in epochs[1:] for turn in epoch][:5] == turns[:5]
    assert epochs[-1] == [(4, 450)]


def test_short_epochs_are_measured_together(monkeypatch):
    monkeypatch.setattr(_threads, "available", lambda: 2)
    net = Net({1: 1e-5, 2: 1.2e-5})
    net.epoch(6000)  # by one thread: 60 ms
    turns = [threads for _ in range(200) for threads, _ in net.epoch(15)]
    # Each makes 5 and 10 ms of steps, in whole epochs of 0.15 and 0.18 ms.
    assert turns[:101] == [1] * (34 + 67)
    assert 80 <= turns.count(2) <= 90
    assert turns[-1] == 1


def test_in_short_epochs_too_one_disturbance_changes_nothing():
    net = Net({1: 2e-5, 2: 3e-5, 4: 3e-5})
    honest = net.make
    net.make = lambda threads, count: honest(threads, count) * (10 if len(net.asked) % 20 == 0 else 1)
    for _ in range(3000):
        net.epoch(15)
    assert [one for one, _ in net.asked].count(2) > 30
    assert net.asked[-1] == (1, 15)


def test_an_epoch_that_is_soon_over_begins_with_one_thread():
    net = Net({1: 1e-5, 2: 1e-5, 4: 1e-5})
    assert net.epoch(15, 400_000) == [(1, 15)]
    assert net.epoch(25, 400_000, key="longer") == [(2, 25)]


def test_a_processor_that_has_to_wake_is_not_measured():
    net = Net({1: 2e-5, 2: 1e-5, 4: 3e-5})
    honest = net.make

    def woken(threads, count):
        idle = not net.asked or net.asked[-1][0] < threads
        return honest(threads, count) + (0.01 if idle else 0)

    net.make = woken
    for _ in range(2):
        net.epoch(100_000)
    assert net.epoch(300) == [(2, 300)]


def test_one_disturbance_changes_nothing():
    net = Net({1: 2e-5, 2: 1e-5, 4: 2e-5})
    honest = net.make

    def disturbed(threads, count):
        turns = [one for one, _ in net.asked].count(2)
        return honest(threads, count) * (100 if threads == 2 and turns in (3, 9, 15) else 1)

    net.make = disturbed
    for _ in range(8):
        net.epoch(100_000)
    assert [one for one, _ in net.asked].count(2) > 20
    assert net.asked[-1][0] == 2


def test_a_machine_that_changes_is_noticed():
    net = Net({1: 2e-5, 2: 1e-5, 4: 2e-5})
    net.epoch(100_000)
    net.epoch(300_000)
    assert net.epoch(300)[-1] == (2, 300)
    net.seconds[2] = 4e-5  # somebody else has taken a processor
    for _ in range(10):
        net.epoch(100_000)
    assert net.epoch(300)[-1] == (1, 300)


def test_two_nets_at_once():
    nets = [Net({1: 3e-5, 2: 1e-5, 4: 2e-5}) for _ in range(2)]
    others = [
        threading.Thread(target=lambda net=net: [net.epoch(50_000) for _ in range(300)]) for net in nets
    ]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert all(sum(count for _, count in net.asked) == 300 * 50_000 for net in nets)
    assert nets[0].epoch(300)[-1][0] == 2


def test_more_threads_have_to_gain_something():
    for key, seconds, best in (("less", (1e-5, 0.97e-5, 0.96e-5), 1), ("more", (1e-5, 0.7e-5, 0.68e-5), 2)):
        net = Net(dict(zip((1, 2, 4), seconds, strict=True)))
        for _ in range(2):
            net.epoch(100_000, key=key)
        assert net.epoch(300, key=key) == [(best, 300)]


def test_all_processors_where_their_number_is_no_power_of_two(monkeypatch):
    monkeypatch.setattr(_threads, "available", lambda: 6)
    net = Net({1: 6e-5, 2: 3e-5, 4: 2e-5, 6: 1e-5})
    for _ in range(2):
        net.epoch(100_000)
    assert net.epoch(300) == [(6, 300)]


def test_much_work_is_shared_by_two_unmeasured(monkeypatch):
    monkeypatch.setattr(_threads, "available", lambda: 2)
    net = Net(dict.fromkeys((1, 2), 1e-5))
    for _ in range(3):
        assert net.epoch(multiplications=team.SURELY_WORTH_SHARING) == [(2, 2000)]


def test_long_steps_are_measured_seldom():
    net = Net({1: 0.4, 2: 0.2, 4: 0.1})
    for _ in range(40):
        net.epoch(600, 10**9)
    made = dict.fromkeys((1, 2, 4), 0)
    for threads, count in net.asked:
        made[threads] += count
    assert made[1] == 0
    assert 0 < made[2] < 0.03 * made[4]


def test_a_number_that_was_chosen_is_taken_unmeasured(monkeypatch):
    net = Net(dict.fromkeys((1, 2, 3, 4), 1e-5))
    _threads.choose(3)
    assert [net.epoch() for _ in range(3)] == 3 * [[(3, 2000)]]
    _threads.choose(None)
    monkeypatch.setenv("XPNET_NUM_THREADS", "2")
    assert [net.epoch() for _ in range(3)] == 3 * [[(2, 2000)]]


def test_no_steps_are_made_but_not_measured():
    net = Net({4: 1e-5, 1: 1e-5})
    assert net.epoch(0) == [(4, 0)]
    assert not team._trials


def test_nothing_more_is_made_after_a_stop():
    net = Net(dict.fromkeys((1, 2, 4), 1e-5))
    net.epoch(6000)
    honest = net.make
    net.make = lambda threads, count: honest(threads, count) if threads == 1 else math.inf
    team.make_steps(net.make, 4, 4000, SMALL, "key")
    assert net.asked == [(1, 6000), (1, 500), (1, 1000)]


def test_an_epoch_by_changing_numbers_of_threads_gives_the_same_bits(monkeypatch):
    monkeypatch.setattr(turns, "SECONDS", 0)
    for name in ("SOON", "LATER", "CALM"):
        monkeypatch.setattr(team, name, 0)
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(900, 20)), rng.integers(0, 5, 900)
    xpnet.use("numba")
    results = []
    for threads in (None, 1):
        _threads.choose(threads)
        net = MultiLayerNet(20, [30, 17], 5, seed=1, weight_decay_lambda=1e-2)
        momentum = xpnet.optimizers.Momentum()
        history = net.fit(x, t, batch_size=10, epochs=3, seed=2, optimizer=momentum, verbose=False)
        results.append((b"".join(array.tobytes() for array in net.params.values()), history.loss))
    assert [len(trial._rounds) for trial in team._trials.values()] == [team.ROUNDS]
    assert results[0] == results[1]
