"""A CUDA device on the host, for tests: streams, events, memory and its pool, and a record of their use.

It is stricter than a GPU where a GPU would only now and then be wrong. A copy in a stream of its own happens
as late as it may: when somebody waits for it. An access that is not ordered after an earlier one to the same
memory, by the stream's own order or by events, is an error; what a kernel does with an array that it is given
counts as a read. Host reads are counted.
"""

import numpy as np

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
