"""Every implementation of every operation against the float64 reference, in every memory layout."""

import numpy as np
import pytest
from engines import to_numpy
from layouts import LAYOUTS, laid_out

from xpnet_kernels import registry
from xpnet_kernels._arrays import family_of

CASES = [
    pytest.param(
        operation,
        implementation,
        dtype,
        layout,
        id="-".join((operation.name, implementation.engine, implementation.variant, dtype, layout)),
    )
    for operation in registry.values()
    for implementation in operation.implementations
    for dtype in ("float32", "float64")
    for layout in LAYOUTS
]


@pytest.mark.parametrize(("operation", "implementation", "dtype", "layout"), CASES)
def test_it_agrees_with_the_float64_reference(operation, implementation, dtype, layout, library):
    xp = library(implementation.engine)
    samples = [
        sample
        for sample in operation.sample_inputs(np.random.default_rng(0), dtype)
        if implementation.obstacle is None
        or implementation.obstacle(*laid_out(xp, layout, sample.arrays), **sample.options) is None
    ]
    if not samples:
        assert dtype == "float64", "no sample is one that it can compute"
        pytest.skip(f"{implementation.variant} takes no float64")
    for sample in samples:
        where = f"shapes {[np.shape(array) for array in sample.arrays]}"
        arrays = laid_out(xp, layout, sample.arrays)
        before = [everything_in(array) for array in arrays]
        results = as_tuple(implementation.function(*arrays, **sample.options))
        assert [everything_in(array) for array in arrays] == before, f"an argument changed, {where}"
        same_dtype = as_tuple(operation.reference(np, *sample.arrays, **sample.options))
        exact = as_tuple(operation.reference(np, *in_float64(sample.arrays), **sample.options))
        for result, like, value in zip(results, same_dtype, exact, strict=True):
            assert family_of(result).xp is xp, where
            assert (result.dtype, result.shape) == (like.dtype, like.shape), where
            assert_close(to_numpy(result), value, where)


def as_tuple(results):
    return results if isinstance(results, tuple) else (results,)


def in_float64(arrays):
    return [
        array.astype(np.float64) if array is not None and array.dtype.kind == "f" else array
        for array in arrays
    ]


def everything_in(array):
    """Return the bytes of an array, and of what lies between its elements where it is a view."""
    if array is None:
        return None
    return to_numpy(array if array.base is None else array.base).tobytes()


def assert_close(result, exact, where):
    """Compare to within 64 units in the last place of the value, or of the largest value for a small one."""
    if result.dtype.kind != "f":
        np.testing.assert_array_equal(result, exact, err_msg=where)
        return
    largest = np.abs(exact[np.isfinite(exact)]).max(initial=0)
    tolerance = 64 * np.finfo(result.dtype).eps
    np.testing.assert_allclose(result, exact, rtol=tolerance, atol=tolerance * largest, err_msg=where)
