"""Backends for tests: a strict device array on any machine, and CUDA kernels in the simulator."""

from __future__ import annotations

import importlib.util
from types import MappingProxyType

import numpy as np
import pytest
from engines import simulated

from xpnet import _backends, to_numpy
from xpnet._backends import Problem
from xpnet._backends.base import Backend
from xpnet._backends.host import NumpyBackend
from xpnet_kernels import _dispatch


class StrictBackend(Backend):
    """array_api_strict on its second device: refuses mixed devices and anything outside the standard."""

    name = "array-api-strict"
    family = "array_api_strict"
    engines = _dispatch.REFERENCE

    def __init__(self):
        # A machine with a GPU and no network may lack it: what needs it is skipped there.
        self.library = pytest.importorskip("array_api_strict")
        self.second = self.library.Device("device1")

    def problem(self):
        return None

    def device(self):
        return "device1 of array_api_strict"

    @property
    def xp(self):
        return self.library

    def from_host(self, array):
        return self.library.asarray(array, device=self.second)

    def asarray(self, values, dtype=None):
        made = super().asarray(values, None if dtype is None or _is_strict(values) else dtype)
        if dtype is None:
            return made
        return self.library.astype(made, getattr(self.library, np.dtype(dtype).name), copy=False)


def _is_strict(values):
    return type(values).__module__.startswith("array_api_strict")


class SimulatedBackend(NumpyBackend):
    """NumPy arrays served by the numba.cuda kernels, in Numba's simulator."""

    name = "simulated-cuda"
    engines = MappingProxyType({"numpy": "numba-cuda"})

    def problem(self):
        if not simulated():
            return Problem("there is a GPU: the kernels run on it as numba-cuda", "nothing to mend")
        return None


EVERY_BACKEND = dict(_backends._BACKENDS)
EVERY_BACKEND |= {SimulatedBackend.name: SimulatedBackend()}
if importlib.util.find_spec("array_api_strict") is not None:
    EVERY_BACKEND |= {StrictBackend.name: StrictBackend()}


def family(array):
    """The array library's name; NumPy scalars count as NumPy arrays."""
    return "numpy" if isinstance(array, np.generic) else type(array).__module__.partition(".")[0]


def check(actual, expected, backend, dtype="float64", rtol=1e-12, atol=1e-12):
    """Compare an array of any family with NumPy values: family, device, dtype, shape and values."""
    assert family(actual) == backend.family
    if backend.family == "array_api_strict":
        assert actual.device == backend.second
    host = to_numpy(actual)
    assert host.dtype == np.dtype(dtype)
    np.testing.assert_allclose(host, expected, rtol=rtol, atol=atol, strict=False)
    assert host.shape == np.shape(expected)
