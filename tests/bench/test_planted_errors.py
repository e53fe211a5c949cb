"""Every planted error is found, by the check that is there for it; honest contestants pass them all."""

import fakes
import pytest


def only(result):
    (outcome,) = result.outcomes
    return outcome


HONEST = [fakes.Honest, fakes.MeanOnly, fakes.SynchronisedThread, fakes.SlowToRead]


@pytest.mark.parametrize("honest", HONEST)
def test_an_honest_contestant_passes(play, honest):
    outcome = only(play(honest()))
    assert outcome.problems == []
    assert outcome.accuracy > 0.8
    assert len(outcome.checks) > 10


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        (fakes.SkipsOneUpdate, "check before: the weights are"),
        (fakes.SkipsUpdatesWhenTimed, "turn 2: the mean loss is"),
        (fakes.IdleOffTheClock, "turn 1, off the clock: the mean loss is"),
        (fakes.HalfTheSteps, "steps were made of 72"),
        (fakes.HalfTheStepsInDisguise, "check before: the losses are"),
        (fakes.OtherOrder, "check before: the losses are"),
        (fakes.SumForMean, "check before: the weights are"),
        (fakes.HalfPrecision, "check before: the weights are"),
        (fakes.DeadWeights, "check after: the"),
        (fakes.NotSynchronised, "a synchronisation is missing"),
        (fakes.WrongPrediction, "a probability is"),
    ],
)
def test_a_planted_error_is_found(play, planted, found):
    outcome = only(play(planted()))
    assert not outcome.counts
    assert any(found in problem for problem in outcome.problems), outcome.problems


def test_more_arithmetic_than_the_machine_can_do_is_found(play, monkeypatch):
    monkeypatch.setattr("xpnet.bench.checks.FLOOR_LIMIT", 1.05)
    outcome = only(play(fakes.Impossible()))
    assert any("measured GEMM rate" in problem for problem in outcome.problems)


def test_the_missing_synchronisation_is_the_only_thing_found(play):
    """The mathematics is right: nothing but the clock was stopped early."""
    outcome = only(play(fakes.NotSynchronised()))
    assert [check.name for check in outcome.checks if not check.passed] == ["synchronised"]
    assert min(outcome.drain) > 0.5 * fakes.NotSynchronised.delay


def test_one_that_fails_does_not_stop_the_others(play):
    result = play(fakes.Honest(), fakes.Crashes())
    good, bad = result.outcomes
    assert good.counts
    assert len(good.seconds) == 3
    assert bad.problems == ["out of luck"]
    assert result.counting == [good]
