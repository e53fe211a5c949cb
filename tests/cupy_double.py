"""CuPy on NumPy, for tests: its arrays and functions, on the double of a device."""

import functools
import operator
import sys
import types
from types import SimpleNamespace

import numpy as np
from device_double import Block, Event, OutOfMemoryError, Race, Stream, machine

from xpnet._backends import cuda
from xpnet_kernels import _dispatch


def call(function, *args, **options):
    """Run a NumPy function on device arrays, in the current stream."""
    sources = [value for value in _flat((args, tuple(options.values()))) if isinstance(value, ndarray)]
    strangers = [v for v in _flat((args, tuple(options.values()))) if isinstance(v, np.ndarray) and v.ndim]
    if strangers:
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    result = function(*_host(args), **{name: _host(value) for name, value in options.items()})
    for source in sources:
        if not _is_view(result, source):
            source.block.read(machine.stream)
    return _wrapped(result, sources)


def _is_view(result, source):
    return isinstance(result, np.ndarray) and np.may_share_memory(result, source.host)


def _flat(values):
    for value in values:
        if isinstance(value, tuple | list):
            yield from _flat(value)
        else:
            yield value


def _host(value):
    if isinstance(value, ndarray):
        return value.host
    return type(value)(map(_host, value)) if type(value) in (tuple, list) else value


def _wrapped(result, sources):
    if isinstance(result, tuple):
        return tuple(_wrapped(part, sources) for part in result)
    if not isinstance(result, np.ndarray | np.generic):
        return result
    for source in sources:
        if _is_view(result, source):
            return ndarray(result, source.block)
    return ndarray(np.asarray(result))


class ndarray:
    """A device array: no implicit way to the host."""

    __module__ = "cupy"
    __array_ufunc__ = None

    def __init__(self, host, block=None):
        self.block = Block(host.nbytes) if block is None else block
        self.host = self.block.place(host) if block is None else host

    shape = property(lambda self: self.host.shape)
    strides = property(lambda self: self.host.strides)
    dtype = property(lambda self: self.host.dtype)
    ndim = property(lambda self: self.host.ndim)
    size = property(lambda self: self.host.size)
    nbytes = property(lambda self: self.host.nbytes)
    flags = property(lambda self: self.host.flags)
    T = property(lambda self: call(np.transpose, self))
    device = property(lambda self: SimpleNamespace(id=0))

    @property
    def data(self):
        self.block.read(machine.stream)
        return SimpleNamespace(ptr=self.host.ctypes.data, device_id=0)

    def astype(self, dtype, copy=True):
        return self if not copy and self.dtype == dtype else call(np.ndarray.astype, self, dtype)

    def __len__(self):
        return len(self.host)

    def __getitem__(self, index):
        return call(operator.getitem, self, index)

    def __setitem__(self, index, value):
        self.block.write(machine.stream)
        if isinstance(value, ndarray):
            value.block.read(machine.stream)
        elif isinstance(value, np.ndarray) and value.ndim:
            raise TypeError("Unsupported type <class 'numpy.ndarray'>")
        self.host[_host(index)] = _host(value)

    def __deepcopy__(self, memo):
        return call(np.copy, self)

    def set(self, host, stream=None):
        assert type(host) is np.ndarray
        assert (host.dtype, host.shape) == (self.dtype, self.shape)
        assert host.flags.c_contiguous
        assert self.flags.c_contiguous
        stream = machine.stream if stream is None else stream
        self.block.write(stream)
        machine.uploaded(host.nbytes)
        machine.log.append(("copy", stream.name, host.shape))
        assert any(np.may_share_memory(host, held) for held in machine.pinned), "copied from pageable memory"
        self._check_source(host, stream)
        stream.issued += 1
        stream.pending.append((stream.issued, lambda: np.copyto(self.host, host)))
        if stream is machine.stream:
            stream.run_until(stream.issued)

    def _check_source(self, host, stream):
        """Refuse a source whose last copy the host has not waited for: it was filled anew since."""
        access = machine.sources.get(host.ctypes.data)
        if access is not None and not machine.host.has_seen(access):
            raise Race("the host filled a buffer whose copy may not have ended")
        machine.sources[host.ctypes.data] = stream.name, stream.known[stream.name]

    def get(self):
        self.block.read(machine.stream)
        machine.read_by_host()
        return np.array(self.host)

    def tolist(self):
        return self.get().tolist()

    def item(self):
        return self.get().item()

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")


def _gets(kind):
    return lambda self: kind(self.get()[()])


def _calls(function, swapped=False):
    if swapped:
        return lambda self, other: call(function, other, self)
    return lambda self, *args, **options: call(function, self, *args, **options)


for name, kind in (("bool", bool), ("float", float), ("int", int), ("index", operator.index)):
    setattr(ndarray, f"__{name}__", _gets(kind))
for name in (
    "add",
    "sub",
    "mul",
    "truediv",
    "pow",
    "matmul",
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
    "and",
    "or",
):
    function = getattr(operator, f"__{name}__")
    setattr(ndarray, f"__{name}__", _calls(function))
    setattr(ndarray, f"__r{name}__", _calls(function, swapped=True))
for name in ("neg", "invert"):
    setattr(ndarray, f"__{name}__", _calls(getattr(operator, f"__{name}__")))
for name in ("sum", "mean", "max", "min", "any", "all", "reshape", "take", "copy", "ravel", "argmax"):
    setattr(ndarray, name, _calls(getattr(np.ndarray, name)))
ndarray.__hash__ = None


class Cupy(types.ModuleType):
    """The module."""

    ndarray = ndarray

    def __getattr__(self, name):
        if name.startswith("__") or not hasattr(np, name):
            raise AttributeError(f"module 'cupy' has no attribute {name!r}")
        found = getattr(np, name)
        if isinstance(found, type) or not callable(found):
            return found
        return lambda *args, **options: call(found, *args, **options)

    def asarray(self, values, dtype=None, copy=None):
        if isinstance(values, ndarray):
            return values.astype(values.dtype if dtype is None else dtype, copy=bool(copy))
        made = np.array(values, dtype=dtype)
        machine.uploaded(made.nbytes)
        return ndarray(made)

    def get_default_memory_pool(self):
        return SimpleNamespace(
            free_bytes=lambda: machine.pooled,
            used_bytes=lambda: machine.used,
            get_limit=lambda: machine.limit,
        )


class Device:
    id = 0

    @property
    def mem_info(self):
        return machine.total - machine.used - machine.pooled, machine.total


def _pinned(size):
    held = np.zeros(size, dtype=np.uint8)
    machine.pinned.append(held)
    return held


cupy = Cupy("cupy")
cupy.cuda = SimpleNamespace(
    Stream=Stream,
    Event=Event,
    Device=Device,
    alloc_pinned_memory=_pinned,
    is_available=lambda: True,
    get_current_stream=lambda: machine.stream,
    memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
    runtime=SimpleNamespace(
        getDevice=lambda: 0,
        getDeviceProperties=lambda number: {"name": b"double"},
        CUDARuntimeError=type("CUDARuntimeError", (RuntimeError,), {}),
    ),
)


class DoubleBackend(cuda.CupyBackend):
    """xpnet's own CuPy backend on the double."""

    name = "cupy"

    def __init__(self, engines=_dispatch.REFERENCE):
        self.engines = engines

    def problem(self):
        return None


def install(monkeypatch):
    """Put the double in CuPy's place until the test ends, its record empty; return the record."""
    machine.__init__()
    monkeypatch.setattr(cuda, "_copy_stream", functools.cache(cuda._copy_stream.__wrapped__))
    machine.stack.append(Stream(null=True))
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    return machine
