"""A turn is two epochs: the first off the clock, the second on it."""

from types import SimpleNamespace

from fakes import Honest

from xpnet.bench import player
from xpnet.bench.compare import INFERENCE_ROUNDS
from xpnet.bench.player import Player


class Noting(Honest):
    """Notes its epochs, each of which takes as many seconds as its number says."""

    def __init__(self):
        self.seen, self.now = [], 0.0

    def epoch(self, number, order):
        self.seen.append(number)
        self.now += number
        return super().epoch(number, order)


def test_the_clock_runs_in_the_second_epoch(case, data, monkeypatch):
    contestant = Noting()
    clock = SimpleNamespace(perf_counter=lambda: contestant.now, process_time=lambda: contestant.now)
    monkeypatch.setattr(player, "time", clock)
    plays = Player(contestant, {}, case, data)
    plays.prepare()
    turn = plays.epoch(5, 200, after=4)
    assert contestant.seen == [4, 5]
    assert (turn.seconds, turn.cpu) == (5, 9)
    assert len(turn.losses) == 10
    assert plays.epoch(6, 200).seconds == 6


def test_each_turn_has_epochs_of_its_own_and_the_weights_go_on(play):
    contestant = Noting()
    (outcome,) = play(contestant, epochs=3).outcomes
    assert contestant.seen == list(range(9))
    assert outcome.problems == []
    assert len(outcome.seconds) == 3


class SlowAtFirst(Honest):
    """Takes a second for each of its first calls, and ten milliseconds for those that follow."""

    def __init__(self):
        self.calls, self.now = 0, 0.0

    def predict(self, x):
        self.calls += 1
        self.now += 1.0 if self.calls <= 3 else 0.01
        return super().predict(x)


def test_the_first_calls_of_an_inference_are_off_the_clock(case, data, monkeypatch):
    contestant = SlowAtFirst()
    monkeypatch.setattr(player, "INFERENCE_SECONDS", 6.0)
    monkeypatch.setattr(player, "OFF_THE_CLOCK", 1.5)  # in the midst of the third call
    monkeypatch.setattr(player, "time", SimpleNamespace(perf_counter=lambda: contestant.now))
    plays = Player(contestant, {}, case, data)
    contestant.prepare(case, data, case.weights())
    timed = plays.inference(1)
    assert max(timed["seconds"]) < 0.02
    assert 20 < len(timed["seconds"]) <= player.INFERENCES
    assert timed["error"] < 1e-6


def test_inference_comes_in_rounds_and_is_checked_once(play, monkeypatch):
    monkeypatch.setattr(player, "INFERENCE_SECONDS", 0.001)
    monkeypatch.setattr(player, "OFF_THE_CLOCK", 0.0)
    monkeypatch.setattr(player, "INFERENCES", 1)  # of a round
    (outcome,) = play(Honest(), epochs=1).outcomes
    assert outcome.problems == []
    one, many = outcome.inference
    assert one["samples"] == 1 < many["samples"]
    assert all(len(kind["seconds"]) == INFERENCE_ROUNDS for kind in outcome.inference)
    assert sum(check.name.startswith("inference") for check in outcome.checks) == 2
