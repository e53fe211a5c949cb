"""How far repeated runs are apart: from samples that are made up."""

import pytest

from xpnet.bench.agreement import agreement, differences
from xpnet.bench.case import Case
from xpnet.bench.floor import Floor
from xpnet.bench.result import Outcome, Result

SMALL, WIDE = Case((784, 50, 10), 100), Case((784, 100, 10), 100)


def result(run, case=SMALL, **seconds):
    outcomes = [Outcome(label, times) for label, times in seconds.items()]
    return Result(case, 60_000, 2, outcomes, Floor(1e11, "x", 1e10), run=run)


def test_one_run_says_nothing():
    assert agreement([result(1, a=[0.1] * 3, b=[0.2] * 3), result(1, WIDE, a=[0.1] * 3, b=[0.2] * 3)]) == ""


def test_the_largest_and_the_middle_difference_and_whose():
    first = result(1, ours=[0.1] * 3, near=[0.2] * 3, far=[0.4] * 3, between=[0.3] * 3)
    second = result(2, ours=[0.1] * 3, near=[0.202] * 3, far=[0.3] * 3, between=[0.312] * 3)
    found = {one.label: one.value for one in differences([first, second])}
    assert found == pytest.approx({"near": 0.01, "far": 1 / 3, "between": 0.04})
    assert agreement([first, second]) == (
        "2 runs one after the other agree on every ratio to the quickest within 33 % "
        "(far, 784-50-10, batch 100), and on half of the 3 ratios within 4.0 %."
    )


def test_a_machine_that_slows_down_and_a_burst_in_one_round_make_no_difference():
    first = result(1, ours=[0.1] * 3, rival=[0.2] * 3)
    second = result(2, ours=[0.3, 0.3, 0.9], rival=[0.6, 1.8, 0.6])
    assert [one.value for one in differences([first, second])] == pytest.approx([0.0])


def test_the_base_stays_the_same_when_two_change_places():
    first = result(1, ours=[0.10] * 3, rival=[0.11] * 3, slow=[0.22] * 3)
    second = result(2, ours=[0.11] * 3, rival=[0.10] * 3, slow=[0.22] * 3)
    found = {one.label: one.value for one in differences([first, second])}
    assert found == pytest.approx({"rival": 0.21, "slow": 0.1})


def test_cases_are_compared_with_themselves_and_only_who_counts_in_both():
    runs = [result(run, case, a=[0.1] * 3, b=[0.2] * 3) for run in (1, 2, 3) for case in (SMALL, WIDE)]
    assert len(differences(runs)) == 6
    assert differences([result(1, a=[0.1] * 3, b=[0.2] * 3), result(2, a=[0.1] * 3, c=[0.2] * 3)]) == []
