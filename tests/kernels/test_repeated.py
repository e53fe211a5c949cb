"""Launches that repeat: one by one the first time, as a graph from the second time on."""

import numpy as np
import pytest
from engines import simulated
from test_persistent_epoch import call, check

if not simulated():
    pytest.skip("there is a GPU: the doubles stand for one", allow_module_level=True)

from xpnet_kernels import _graphs
from xpnet_kernels.mlp_epoch.gpu import train_persistently


@pytest.fixture
def launches(cuda):
    return lambda: [cuda.start(name, lambda: None) for name in ("first", "second")]


def test_the_second_time_records_them_and_the_third_only_starts_the_graph(cuda, launches):
    repeated, array = _graphs.Repeated(np.zeros(1)), np.zeros(3)
    for _ in range(3):
        repeated.start(launches, array, 10**6)
    assert cuda.calls == [
        "first",
        "second",
        "begin capture",
        "end capture of 2",
        "launch of 2",
        "launch of 2",
    ]


@pytest.mark.parametrize("other", [(np.zeros(3), 5), (None, 6), (None, 5, 1)])
def test_other_arrays_numbers_or_more_of_them_begin_anew(cuda, launches, other):
    repeated, array = _graphs.Repeated(np.zeros(1)), np.zeros(3)
    repeated.start(launches, array, 5)
    repeated.start(launches, array, 5)
    cuda.calls.clear()
    first, *rest = other
    repeated.start(launches, array if first is None else first, *rest)
    assert cuda.calls == ["first", "second"]


def test_launches_that_failed_are_not_taken_for_made(cuda):
    def fail():
        raise MemoryError

    repeated = _graphs.Repeated(np.zeros(1))
    for _ in range(2):
        with pytest.raises(MemoryError):
            repeated.start(fail, 1)
    assert cuda.calls == []


def test_epochs_that_repeat_train_on(cuda):
    arrays, options = call(visited=9)
    on_device, kept = [array.copy() for array in arrays], {}
    for number in range(4):
        before = [array.copy() for array in on_device]
        results = train_persistently(*on_device, **options, out=on_device[3:], workspace=kept)
        check(results, before, options)
        if number == 1:
            cuda.calls.clear()
    assert cuda.calls == ["launch of 2", "launch of 1"] * 2
