"""The references use the array-API standard only, and stay on the device of their arrays."""

import numpy as np
import pytest

from xpnet_kernels import registry
from xpnet_kernels.mlp_epoch import UPDATES

array_api_strict = pytest.importorskip("array_api_strict")

# Not the default device: what a reference makes without naming a device ends up elsewhere, and raises.
DEVICE = array_api_strict.Device("device1")
CPU = array_api_strict.Device("CPU_DEVICE")

OPERATIONS = list(registry.values())


def name_of(operation):
    return operation.name


def on_device(arrays):
    return tuple(
        None if array is None else array_api_strict.asarray(array, device=DEVICE, copy=True)
        for array in arrays
    )


def assert_same(result, expected, where):
    """Compare bit for bit: array_api_strict computes with NumPy."""
    assert result.device == DEVICE, where
    found = np.asarray(result.to_device(CPU))
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape), where
    np.testing.assert_array_equal(found, expected, err_msg=where)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_it_runs_on_another_array_library(operation, dtype):
    for sample in operation.sample_inputs(np.random.default_rng(0), dtype):
        results = operation(*on_device(sample.arrays), **sample.options)
        expected = operation.reference(np, *sample.arrays, **sample.options)
        pairs = zip(results, expected, strict=True) if isinstance(results, tuple) else [(results, expected)]
        for result, value in pairs:
            assert_same(result, value, f"shapes {[np.shape(array) for array in sample.arrays]}")


@pytest.mark.parametrize("operation", UPDATES.values(), ids=name_of)
def test_an_update_writes_into_the_arrays_of_another_library(operation):
    for sample in operation.sample_inputs(np.random.default_rng(0), "float32"):
        arrays = on_device(sample.arrays)
        out = arrays[:1] + arrays[2:]
        results = operation(*arrays, **sample.options, out=out)
        assert all(result is given for result, given in zip(results, out, strict=True))
        for result, value in zip(out, operation.reference(np, *sample.arrays, **sample.options), strict=True):
            assert_same(result, value, f"shape {value.shape}")


@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_its_samples_are_the_same_for_the_same_seed(operation):
    first, second = (operation.sample_inputs(np.random.default_rng(3), "float32") for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.options == other.options
        for a, b in zip(one.arrays, other.arrays, strict=True):
            np.testing.assert_array_equal(a, b)


def test_empty_inputs_are_among_the_samples():
    """A mean over nothing is undefined, so the losses and what ends in one have none."""
    without = {
        operation.name
        for operation in OPERATIONS
        if all(
            0 not in np.shape(sample.arrays[0])
            for sample in operation.sample_inputs(np.random.default_rng(0), "float32")
        )
    }
    assert without == {"binary_cross_entropy", "mlp_epoch", "softmax_cross_entropy", "squared_error"}
