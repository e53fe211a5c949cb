"""A turn is two epochs: the first off the clock, the second on it."""

from types import SimpleNamespace

from fakes import Honest

from xpnet.bench import player
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
