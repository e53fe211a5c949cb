"""The optimizer updates write into the arrays they read, or into any others, whatever their layout."""

import numpy as np
import pytest
from engines import to_numpy
from layouts import LAYOUTS, laid_out

from xpnet_kernels.mlp_epoch import UPDATES

SHAPES = ((7, 5), (3, 300))

CASES = [
    pytest.param(operation, implementation, id="-".join((operation.name, implementation.engine)))
    for operation in UPDATES.values()
    for implementation in operation.implementations
]


def samples_of(operation, dtype):
    """Return the samples of these shapes, which a strided copy does not leave contiguous."""
    samples = operation.sample_inputs(np.random.default_rng(0), dtype)
    found = [sample for sample in samples if sample.arrays[0].shape in SHAPES]
    assert found
    return found


def written(arrays):
    """Return those arrays that an update renews: all but the gradient."""
    return arrays[:1] + arrays[2:]


def test_there_are_updates():
    assert CASES


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("operation", "implementation"), CASES)
def test_in_place_equals_out_of_place(operation, implementation, dtype, library):
    xp = library(implementation.engine)
    for sample in samples_of(operation, dtype):
        arrays = laid_out(xp, "contiguous", sample.arrays)
        fresh = implementation.function(*arrays, **sample.options)
        out = written(arrays)
        results = implementation.function(*arrays, **sample.options, out=out)
        assert all(result is given for result, given in zip(results, out, strict=True))
        for result, expected in zip(results, fresh, strict=True):
            np.testing.assert_array_equal(to_numpy(result), to_numpy(expected))
        np.testing.assert_array_equal(to_numpy(arrays[1]), sample.arrays[1], err_msg="the gradient changed")


@pytest.mark.parametrize(("operation", "implementation"), CASES)
def test_a_strided_out_receives_the_results_and_nothing_else_changes(operation, implementation, library):
    xp = library(implementation.engine)
    for sample in samples_of(operation, "float32"):
        arrays = laid_out(xp, "contiguous", sample.arrays)
        fresh = implementation.function(*arrays, **sample.options)
        for one in range(len(fresh)):
            out = tuple(
                LAYOUTS["strided" if i == one else "contiguous"](xp, like)
                for i, like in enumerate(written(sample.arrays))
            )
            results = implementation.function(*arrays, **sample.options, out=out)
            assert all(result is given for result, given in zip(results, out, strict=True))
            for result, expected in zip(results, fresh, strict=True):
                np.testing.assert_array_equal(to_numpy(result), to_numpy(expected))
            between = np.isnan(to_numpy(out[one].base)).sum()
            assert between == out[one].base.size - out[one].size
        for array, before in zip(arrays, sample.arrays, strict=True):
            np.testing.assert_array_equal(to_numpy(array), before)


@pytest.mark.parametrize(("operation", "implementation"), CASES)
def test_other_arrays_receive_the_results_and_the_arguments_stay(operation, implementation, library):
    xp = library(implementation.engine)
    for sample in samples_of(operation, "float32"):
        arrays = laid_out(xp, "contiguous", sample.arrays)
        fresh = implementation.function(*arrays, **sample.options)
        out = tuple(map(xp.empty_like, written(arrays)))
        results = implementation.function(*arrays, **sample.options, out=out)
        assert all(result is given for result, given in zip(results, out, strict=True))
        for result, expected in zip(results, fresh, strict=True):
            np.testing.assert_array_equal(to_numpy(result), to_numpy(expected))
        for array, before in zip(arrays, sample.arrays, strict=True):
            np.testing.assert_array_equal(to_numpy(array), before)
