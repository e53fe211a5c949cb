"""CuPy on NumPy, for tests: its arrays, streams, events, pinned memory and pool, and a record of their use.

It is stricter than a GPU where a GPU would only now and then be wrong. A copy in a stream of its own happens
as late as it may: when somebody waits for it. An access that is not ordered after an earlier one to the same
memory, by the stream's own order or by events, is an error. Host reads are counted.
"""

import functools
import operator
import sys
import types
from types import SimpleNamespace

import numpy as np

from xpnet._backends import cuda
from xpnet_kernels import _dispatch

PLENTY = 10**12


class Race(AssertionError):
    """An access to device memory that may overtake an earlier one."""


class Timeline:
    """The host or a stream: how far it has come, and how far it knows the others to have come."""

    def __init__(self, name):
        self.name, self.known, self.pending, self.issued = name, {name: 0}, [], 0

    def join(self, known):
        for name, count in known.items():
            self.known[name] = max(self.known.get(name, 0), count)

    def issue(self):
        """Begin an operation here: it comes after all that the host knows of."""
        self.join(machine.host.known)
        self.known[self.name] += 1
        return self.name, self.known[self.name]

    def has_seen(self, access):
        name, count = access
        return self.known.get(name, 0) >= count

    def run_until(self, issued):
        """Make the copies that were put off, up to one."""
        while self.pending and self.pending[0][0] <= issued:
            self.pending.pop(0)[1]()


class Stream(Timeline):
    def __init__(self, null=False, non_blocking=False, ptds=False):
        machine.streams += 1
        super().__init__("null" if null else f"stream {machine.streams}")
        self.ptr, self.non_blocking = (0 if null else 0x1000 + machine.streams), non_blocking

    def __enter__(self):
        machine.stack.append(self)
        return self

    def __exit__(self, *exception):
        machine.stack.pop()

    def record(self, event=None):
        event = Event() if event is None else event
        self.issue()
        event.stream, event.known, event.issued = self, dict(self.known), self.issued
        machine.log.append(("record", self.name))
        return event

    def wait_event(self, event):
        event.stream.run_until(event.issued)
        self.join(event.known)
        machine.log.append(("wait", self.name, event.stream.name))

    def synchronize(self):
        self.run_until(self.issued)
        machine.host.join(self.known)
        machine.synchronized += 1


class Event:
    def __init__(self, block=False, disable_timing=False):
        self.disable_timing = disable_timing

    def synchronize(self):
        self.stream.run_until(self.issued)
        machine.host.join(self.known)
        machine.log.append(("host waits", self.stream.name))


class OutOfMemoryError(MemoryError):
    def __init__(self, size, total):
        super().__init__(f"Out of memory allocating {size:,} bytes (allocated so far: {total:,} bytes).")


class Block:
    """Device memory, from the stream that asked for it to the pool that gets it back."""

    def __init__(self, size):
        machine.allocations += 1
        if machine.allocations == machine.fail_at or machine.used + size > machine.total:
            raise OutOfMemoryError(size, machine.used)
        self.size, self.reads, self.log = size, [], machine.log
        machine.used += size
        self.kept = machine.pool.setdefault(-(-size // 512), [])
        self.memory = self.kept.pop() if self.kept else np.zeros(512 * max(1, -(-size // 512)), np.uint8)
        self.written = machine.stream.issue()

    def place(self, host):
        """Return a copy of a NumPy array in this memory."""
        order = "C" if host.flags.c_contiguous or not host.flags.f_contiguous else "F"
        placed = np.ndarray(host.shape, host.dtype, self.memory, order=order)
        placed[...] = host
        return placed

    def __del__(self):
        if not hasattr(self, "written") or self.log is not machine.log:
            return  # never made, or of a test before
        machine.used -= self.size
        self.kept.append(self.memory)
        # The pool gives it to the next who asks in this stream.
        if not all(machine.stream.has_seen(access) for access in (self.written, *self.reads)):
            machine.faults.append("memory was given back while another stream used it")

    def read(self, timeline):
        self._check(timeline, self.written)
        self.reads.append(timeline.issue())

    def write(self, timeline):
        now = timeline.issue()
        for access in (self.written, *self.reads):
            self._check(timeline, access)
        self.written, self.reads = now, []

    def _check(self, timeline, access):
        if not timeline.has_seen(access):
            raise Race(f"{timeline.name} may overtake {access[0]}; it waited for no event after that")


class Machine:
    """What the double knows of the one device."""

    def __init__(self):
        self.streams = 0
        self.host, self.stack, self.log = Timeline("host"), [], []
        self.faults, self.pinned, self.pool = [], [], {}
        self.sources = {}
        self.total, self.used, self.pooled, self.limit = PLENTY, 0, 0, 0
        self.allocations, self.fail_at = 0, None
        self.reads = self.synchronized = self.uploads = 0
        self.largest_upload = 0

    @property
    def stream(self):
        return self.stack[-1]

    def read_by_host(self):
        self.reads += 1
        self.host.join(self.stream.known)

    def uploaded(self, size):
        self.uploads += 1
        self.largest_upload = max(self.largest_upload, size)


machine = Machine()


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
        for address, access in machine.sources.items():
            if address == host.ctypes.data and not machine.host.has_seen(access):
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
