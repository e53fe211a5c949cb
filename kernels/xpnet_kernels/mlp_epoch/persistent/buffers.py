"""What the persistent kernel reads and writes on the device, kept from one epoch to the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xpnet_kernels import _launch
from xpnet_kernels._arrays import Array, namespace
from xpnet_kernels._graphs import Repeated
from xpnet_kernels.mlp_epoch.as_read import AsRead
from xpnet_kernels.mlp_epoch.persistent.carriers import carry_in, carry_out
from xpnet_kernels.mlp_epoch.persistent.hidden_sums import TURNS
from xpnet_kernels.mlp_epoch.persistent.meeting import WORDS
from xpnet_kernels.mlp_epoch.persistent.plan import Plan

WIDE_READ = 16
"""Bytes that a thread reads at once, from an address that is a multiple of them."""


class Buffers:
    """The data in the form that the kernel reads, and its own arrays, all flat and on the data's device.

    Parameters
    ----------
    plan : Plan
    x, t : array
        The data; what is not in the form that the kernel reads is copied at each epoch's begin.

    Attributes
    ----------
    data : array, uint32 or float32
        Four pixels to an element, or features.
    t : array (samples,), int32
    order : array (visited,), int32
    rates : array (steps,), float32
        The learning rate of each step.
    W1, b1 : array, float32
        As the steps made so far left them.
    W2 : array, float32
        Two copies, of which a step reads one and writes the other: (hidden rows + 1, W2 columns), with b2 in
        the last row. A class that is none, there to make whole pairs, has the bias -inf.
    z : array, float32
        Room for z1.
    meeting : array, uint32
        See `meeting.py`.
    losses : array (steps,), float32
    steps : Repeated
        The launches of an epoch's steps.
    """

    def __init__(self, plan: Plan, x: Array, t: Array) -> None:
        xp = self.xp = namespace(x)
        self.plan = plan
        self.seen = x, t
        self._read = AsRead(x, x.dtype, WIDE_READ), AsRead(t, np.dtype(np.int32))
        flat, self.t = self._read[0].array.reshape(-1), self._read[1].array
        self.data = flat.view(np.uint32) if plan.pixels else flat
        self.W1, self.b1 = (xp.empty(n, dtype=np.float32) for n in (plan.features * plan.hidden, plan.hidden))
        self.W2 = xp.zeros(2 * plan.W2_size, dtype=np.float32)
        b2_copies = self.W2.reshape(2, plan.hidden_rows + 1, plan.W2_columns)[:, -1]
        b2_copies[:, plan.classes :] = -np.inf
        copies = 2 * plan.slices if plan.deterministic else TURNS
        self.z = xp.zeros(copies * plan.z_size, dtype=np.float32)
        self.meeting = xp.zeros(WORDS, dtype=np.uint32)
        self.order = xp.empty(0, dtype=np.int32)
        self.rates = self.losses = xp.empty(0, dtype=np.float32)
        self._host_rates = np.empty(0, dtype=np.float32)
        self.steps, self._given = Repeated(x), Repeated(x)

    def serve(self, plan: Plan, x: Array, t: Array) -> bool:
        """Return whether these are the buffers of that plan and those data."""
        return plan == self.plan and x is self.seen[0] and t is self.seen[1]

    def begin_epoch(self, order: Array, rates: Array) -> None:
        """Take the order, what the data hold now and, from the host, the learning rates."""
        for each in self._read:
            each.renew()
        if self.order.shape != order.shape:
            self.order = self.xp.empty(order.shape, dtype=np.int32)
        self.order[...] = order
        if not np.array_equal(rates, self._host_rates):
            self.rates, self._host_rates = self.xp.asarray(rates), rates
            self.losses = self.xp.empty(rates.shape, dtype=np.float32)

    def begin_steps(self, arrays: Sequence[Array], whole: bool) -> None:
        """Make z and the meeting as the kernel wants them; of a whole epoch take the parameters as well."""
        size = max(self.z.size, self.meeting.size, self.W1.size, self.W2.size)
        own = self.W1, self.b1, self.W2, self.plan.W2_columns, self.z, self.meeting
        _launch.launch_over(size, carry_in, *arrays, *own, int(whole))

    def give(self, made: int, arrays: Sequence[Array]) -> None:
        """Write the parameters W1, b1, W2, b2 after so many steps of the epoch."""
        new = self.W2.reshape(2, -1)[made % 2]

        def launch() -> None:
            own = self.W1, self.b1, new, self.plan.W2_columns
            _launch.launch_over(max(self.W1.size, self.W2.size), carry_out, *own, *arrays)

        self._given.start(launch, made % 2, *arrays)
