"""What numba.cuda does beyond its simulator, recorded: views of memory, configured kernels, streams."""

import ctypes
import sys
import warnings

import numpy as np
from engines import library_for

from xpnet_kernels import _jit, _launch


class Configured:
    """A kernel of the simulator with one configuration of its own, as numba.cuda has it."""

    def __init__(self, kernel, grid, block, stream=0):
        self.kernel, self.configuration, self.stream = kernel, (grid, block), stream

    def __call__(self, *args):
        driver.launched.append((self.kernel.fn.__name__, self.stream))
        self.kernel.grid_dim, self.kernel.block_dim = driver.normalized(*self.configuration)
        if driver.runs:
            self.kernel(*args)


class Driver:
    """What numba.cuda does beyond the simulator, recorded."""

    def __init__(self):
        self.views, self.configured, self.launched, self.streams = [], [], [], []
        self.runs = True

    def normalized(self, grid, block):
        from numba.cuda.errors import normalize_kernel_dimensions

        return normalize_kernel_dimensions(grid, block)

    def view(self, described, owner=None, sync=True):
        from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

        assert owner is None
        assert not sync
        self.views.append(described)
        shape, strides, dtype = described["shape"], described["strides"], np.dtype(described["typestr"])
        extent = dtype.itemsize + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        memory = (ctypes.c_char * extent).from_address(described["data"][0])
        return FakeCUDAArray(np.ndarray(shape, dtype, memory, strides=strides))

    def configure(self, kernel, configuration):
        from numba.cuda.core import config

        self.configured.append((kernel.fn.__name__, *configuration))
        if config.CUDA_LOW_OCCUPANCY_WARNINGS:
            warnings.warn(
                "Grid size 1 will likely result in GPU under-utilization", UserWarning, stacklevel=1
            )
        return Configured(kernel, *configuration)

    def external_stream(self, pointer):
        self.streams.append(pointer)
        return f"numba's stream {pointer}"

    def legacy_default_stream(self):
        return self.external_stream(0)


driver = Driver()


def install(monkeypatch):
    """Put the driver's double, which forgets what it recorded, in its place until the test ends."""
    _jit.load_cuda()
    from numba.cuda.simulator.kernel import FakeCUDAKernel

    real = [(_launch, "_device_array"), (FakeCUDAKernel, "__call__")]
    real = [(owner, name, getattr(owner, name)) for owner, name in real]
    library_for("numba-cuda", monkeypatch)
    for owner, name, function in real:  # what the other tests have doubles for
        monkeypatch.setattr(owner, name, function)
    monkeypatch.setattr(_launch, "_simulated", lambda: False)
    numba_cuda = sys.modules["numba.cuda"]
    monkeypatch.setattr(numba_cuda, "from_cuda_array_interface", driver.view, raising=False)
    monkeypatch.setattr(numba_cuda, "external_stream", driver.external_stream, raising=False)
    monkeypatch.setattr(numba_cuda, "legacy_default_stream", driver.legacy_default_stream, raising=False)
    monkeypatch.setattr(FakeCUDAKernel, "__getitem__", lambda kernel, c: driver.configure(kernel, c))
    for kept in (_launch._view, _launch._kept_configuration, _launch._kept_stream):
        kept.cache_clear()
    driver.__init__()
