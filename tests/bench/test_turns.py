"""A turn is two epochs: the first off the clock, the second on it."""

import time

import pytest
from fakes import Honest

from xpnet.bench.player import Player


class Noting(Honest):
    """Takes long in the epoch that is named `slow`, and notes all."""

    slow = None

    def epoch(self, number, order):
        self.seen = [*getattr(self, "seen", []), number]
        until = time.process_time() + (0.2 if number == self.slow else 0)
        while time.process_time() < until:
            pass
        return super().epoch(number, order)


@pytest.fixture
def player(case, data):
    made = Player(Noting(), {}, case, data)
    made.prepare()
    return made


def test_the_clock_runs_in_the_second_epoch(player):
    player.contestant.slow = 4
    turn = player.epoch(5, 200, after=4)
    assert player.contestant.seen == [4, 5]
    assert turn.seconds < 0.2 <= turn.cpu
    assert len(turn.losses) == 10
    player.contestant.slow = 7
    assert player.epoch(7, 200, after=6).seconds >= 0.2


def test_each_turn_has_epochs_of_its_own_and_the_weights_go_on(play):
    contestant = Noting()
    (outcome,) = play(contestant, epochs=3).outcomes
    assert contestant.seen == list(range(9))
    assert outcome.problems == []
    assert len(outcome.seconds) == 3
