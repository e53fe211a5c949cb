"""What is read to see whether an epoch has ended is one of its weights, in every contestant there is."""

import numpy as np
import pytest

from xpnet.bench import contestants
from xpnet.bench.case import Case
from xpnet.bench.player import make

ENTRIES = [*contestants.of_backends(), *contestants.of_rivals(["torch", "jax", "sklearn", "tinygrad"])]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.label)
def test_the_last_bias_is_the_last_of_the_weights(entry, data):
    if not contestants.installed(entry):
        pytest.skip(f"what {entry.label} needs is not installed")
    if entry.slow_to_compile:
        pytest.skip(f"{entry.label} reads its weights as its quicker kin do")
    case = Case((64, 5, 10), 20)
    contestant = make(entry.spec, entry.options)
    contestant.prepare(case, data, case.weights())
    contestant.epoch(1, case.order(1, 60))
    contestant.synchronize()
    np.testing.assert_array_equal(contestant.last_bias(), contestant.weights()[-1])
    assert np.any(contestant.last_bias() != 0)
