"""Doubles of what the captured epoch asks of CuPy and cuBLAS, on NumPy arrays; they insist on the rules.

What is started while a stream is captured does not run: it runs when the graph is launched, as often as that
happens. A launch in another stream than the captured one, memory taken during a capture, or a product without
scratch memory in its stream is an error.
"""

import ctypes
from types import SimpleNamespace

import numpy as np
from numba.cuda.simulator.kernel import FakeCUDAKernel

ALLOCATIONS = "empty", "zeros", "ones", "full", "array", "asarray", "empty_like", "zeros_like"


class CudaDouble:
    """Stands for `cupy.cuda`.

    Attributes
    ----------
    calls : list of str
        What was asked for, in order.
    graphs : list of GraphDouble
        What was captured.
    recording : list or None
        The launches of the capture under way.
    """

    def __init__(self, monkeypatch):
        self.calls, self.graphs, self.recording = [], [], None
        self._monkeypatch, self._streams = monkeypatch, [SimpleNamespace(ptr=0)]
        self.Stream = lambda non_blocking: StreamDouble(self, non_blocking)
        self.Event = lambda disable_timing: EventDouble(self)

    def get_current_stream(self):
        return self._streams[-1]

    def stream(self):
        return self.get_current_stream().ptr

    def start(self, what, run):
        """Run a launch now, or note it if a capture is under way."""
        if self.recording is None:
            self.calls.append(what)
            run()
        else:
            self.recording.append((what, run))


class StreamDouble:
    def __init__(self, cuda, non_blocking):
        assert non_blocking, "the legacy default stream waits for a stream that is not non-blocking"
        self._cuda, self.ptr = cuda, id(self)

    def __enter__(self):
        self._cuda._streams.append(self)
        return self

    def __exit__(self, *exception):
        assert self._cuda._streams.pop() is self

    def begin_capture(self):
        assert self._cuda.recording is None, "a capture is under way"
        self._cuda.recording = []
        self._cuda.calls.append("begin capture")
        self._patched = self._cuda._monkeypatch.context()
        patch = self._patched.__enter__()
        for name in ALLOCATIONS:
            patch.setattr(np, name, _refuse(name))

    def end_capture(self):
        self._patched.__exit__(None, None, None)
        launches, self._cuda.recording = self._cuda.recording, None
        self._cuda.calls.append(f"end capture of {len(launches)}")
        self._cuda.graphs.append(GraphDouble(self._cuda, launches))
        return self._cuda.graphs[-1]


def _refuse(name):
    def refuse(*args, **kwargs):
        raise AssertionError(f"{name} takes memory during a capture")

    return refuse


class GraphDouble:
    def __init__(self, cuda, launches):
        self._cuda, self.launches = cuda, launches

    def launch(self):
        assert self._cuda.recording is None
        self._cuda.calls.append(f"launch of {len(self.launches)}")
        for _, run in self.launches:
            run()


class EventDouble:
    def __init__(self, cuda):
        self._cuda = cuda

    def record(self):
        self._cuda.calls.append("record event")

    def synchronize(self):
        self._cuda.calls.append("wait for event")


class CublasDouble:
    """Stands for libcublas: computes on host memory by the library's own conventions, column by column."""

    def __init__(self, cuda):
        self._cuda, self.tf32, self.handles = cuda, None, 0
        self._stream = self._scratch = None
        self.cublasSgemm_v2 = lambda *args: self._gemm("sgemm", ctypes.c_float, *args)
        self.cublasDgemm_v2 = lambda *args: self._gemm("dgemm", ctypes.c_double, *args)
        self.cublasSgemv_v2 = lambda *args: self._gemv("sgemv", ctypes.c_float, *args)
        self.cublasDgemv_v2 = lambda *args: self._gemv("dgemv", ctypes.c_double, *args)

    def cublasCreate_v2(self, handle):
        self.handles += 1
        handle._obj.value = 1234
        return 0

    def cublasDestroy_v2(self, handle):
        self.handles -= 1
        return 0

    def cublasSetMathMode(self, handle, mode):
        self.tf32 = {0: False, 3: True}[mode]
        return 0

    def cublasSetStream_v2(self, handle, stream):
        self._stream, self._scratch = stream.value or 0, None
        return 0

    def cublasSetWorkspace_v2(self, handle, address, size):
        self._scratch = size.value
        return 0

    def _gemm(self, name, real, handle, transpose_a, transpose_b, m, n, k, *rest):
        alpha, a, lda, b, ldb, beta, c, ldc = rest
        self._check(handle)
        scale, keep = alpha._obj.value, beta._obj.value

        def run():
            left = columns_of(a, real, lda, m if transpose_a else k, k if transpose_a else m)
            right = columns_of(b, real, ldb, k if transpose_b else n, n if transpose_b else k)
            out = columns_of(c, real, ldc, n, m)
            product = (left.T if transpose_a else left) @ (right.T if transpose_b else right)
            out[...] = scale * product + (keep * out if keep else 0)

        self._cuda.start(f"{name} {m}x{n}x{k}", run)
        return 0

    def _gemv(self, name, real, handle, transpose, m, n, alpha, a, lda, x, step_x, beta, y, step_y):
        assert (transpose, step_x, step_y, alpha._obj.value, beta._obj.value) == (0, 1, 1, 1, 0)
        self._check(handle)

        def run():
            factor, out = columns_of(x, real, n, 1, n), columns_of(y, real, m, 1, m)
            out[...] = columns_of(a, real, lda, n, m) @ factor

        self._cuda.start(f"{name} {m}x{n}", run)
        return 0

    def _check(self, handle):
        assert handle.value == 1234
        assert self._stream == self._cuda.get_current_stream().ptr, "the product runs in another stream"
        assert self._scratch == 32 << 20, "the product has no scratch memory of its own"


def columns_of(address, real, leading, columns, rows):
    """Return the matrix (rows, columns) that lies column by column at an address, `leading` numbers apart."""
    numbers = np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(real)), (columns, leading))
    return numbers[:, :rows].T


def install(monkeypatch):
    """Put the doubles in place for a test; return that of `cupy.cuda`, the other as its `cublas`."""
    from xpnet_kernels import _cublas, _graphs, _launch

    cuda = CudaDouble(monkeypatch)
    cuda.cublas = CublasDouble(cuda)
    monkeypatch.setattr(_graphs, "runtime", lambda like: cuda)
    monkeypatch.setattr(_launch, "current_stream", lambda like: cuda.get_current_stream().ptr)
    monkeypatch.setattr(_launch, "_in_simulator", lambda kernel, *shape: kernel[(*shape, cuda.stream())])
    monkeypatch.setattr(_cublas, "library", lambda like: cuda.cublas)
    monkeypatch.setattr(_cublas, "pointer", lambda array: ctypes.c_void_p(array.ctypes.data))
    simulated, configured = FakeCUDAKernel.__call__, FakeCUDAKernel.__getitem__

    def configure(kernel, configuration):
        kernel.stream = configuration[2]  # the simulator forgets it
        return configured(kernel, configuration)

    def start(kernel, *args):
        if kernel._device:
            return kernel.fn(*args)
        assert kernel.stream == cuda.get_current_stream().ptr, f"{kernel.fn.__name__} runs in another stream"
        grid, block = kernel.grid_dim, kernel.block_dim

        def run():
            kernel.grid_dim, kernel.block_dim = grid, block
            simulated(kernel, *map(plain, args))

        return cuda.start(kernel.fn.__name__, run)

    monkeypatch.setattr(FakeCUDAKernel, "__getitem__", configure)
    monkeypatch.setattr(FakeCUDAKernel, "__call__", start)
    return cuda


def plain(arg):
    """Return a named tuple of the simulator's arrays as one of NumPy's: the simulator looks into none."""
    if hasattr(arg, "_fields"):
        return arg._make(getattr(item, "_ary", item) for item in arg)
    return arg
