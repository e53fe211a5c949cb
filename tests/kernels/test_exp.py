"""exp as plain arithmetic, against the C library's in float64."""

import math

import numpy as np
import pytest

from xpnet_kernels._exp import exp, exp_minus_one
from xpnet_kernels._jit import njit


@njit
def fill_exp(x, y):
    for i in range(x.size):
        y[i] = exp(x[i])


@njit
def fill_exp_minus_one(x, y):
    for i in range(x.size):
        y[i] = exp_minus_one(x[i])


def filled(kernel, x):
    y = np.empty_like(x)
    kernel(x, y)
    return y


def inputs(dtype):
    """Return numbers from all of the range, and more of them near 0."""
    rng, facts = np.random.default_rng(0), np.finfo(dtype)
    everywhere = rng.uniform((facts.minexp + 4) * math.log(2), (facts.maxexp - 1) * math.log(2), 20_000)
    near = rng.normal(size=10_000) * 10.0 ** rng.integers(-9, 2, 10_000)
    return np.concatenate([everywhere, near]).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kernel", "exact"), [(fill_exp, math.exp), (fill_exp_minus_one, math.expm1)])
def test_right_to_two_units_in_the_last_place(kernel, exact, dtype):
    x = inputs(dtype)
    expected = np.array([exact(number) for number in x.tolist()])
    unit = np.spacing(np.abs(expected).astype(dtype)).astype("float64")
    assert np.max(np.abs(filled(kernel, x) - expected) / unit) < 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_far_out_and_where_there_is_no_number(dtype):
    most = np.finfo(dtype).maxexp * math.log(2)
    x = np.array([-np.inf, -2 * most, -most, 0, 0.999 * most, 1.001 * most, np.inf, np.nan], dtype)
    expected = [0, 0, 0, 1, math.exp(float(x[4])), np.inf, np.inf, np.nan]
    np.testing.assert_allclose(filled(fill_exp, x), expected, rtol=1e-6)
    np.testing.assert_allclose(filled(fill_exp_minus_one, x), np.array(expected) - 1, rtol=1e-6)
