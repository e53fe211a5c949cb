"""Runs the persistent kernel over an epoch, from the arrays of `mlp_epoch` to its results."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from xpnet_kernels import _launch
from xpnet_kernels._arrays import Array
from xpnet_kernels.mlp_epoch.persistent import meeting
from xpnet_kernels.mlp_epoch.persistent.buffers import Buffers
from xpnet_kernels.mlp_epoch.persistent.kernel import persistent_epoch
from xpnet_kernels.mlp_epoch.persistent.plan import Plan, plan_of_call

STEPS_AT_ONCE = 10_000
"""Steps of one launch at most, some 0.06 s on an H200: between launches Python may stop the epoch."""

PATIENCE = 4_000_000
"""How often a block looks for the others before it gives up: some seconds; less for debugging.

The blocks of a cooperative launch run all at once, so that none should ever give up; but a wait without end
could be ended by the end of the process only.
"""


class StalledError(RuntimeError):
    """Blocks of a kernel waited in vain for others; no array has changed."""


def deterministic_by_default() -> bool:
    """Return whether XPNET_DETERMINISTIC asks for the same bits in every run; "", "0" and absence do not."""
    return os.environ.get("XPNET_DETERMINISTIC", "") not in ("", "0")


def train_persistently(
    x: Array,
    t: Array,
    order: Array,
    *arrays: Array,
    activations: Sequence[str],
    batch_size: int,
    update: str,
    options: Sequence[dict[str, float]],
    weight_decay: float = 0.0,
    should_stop: Callable[[], bool] | None = None,
    out: Sequence[Array] | None = None,
    workspace: dict[str, Any] | None = None,
    deterministic: bool | None = None,
    patience: int | None = None,
) -> tuple[Array, ...]:
    """Run an epoch in one kernel; see `mlp_epoch`, and `obstacle`, which must return None.

    Parameters
    ----------
    deterministic : bool, optional
        Whether each run gives the same bits. If not, the slices of the input features add to z1 in the order
        in which they come, so that runs differ in the last bits; if so, all blocks read as many times as much
        as there are slices. By default what XPNET_DETERMINISTIC says, and without it no.
    patience : int, optional
        In place of `PATIENCE`.

    Raises
    ------
    StalledError
        If blocks waited in vain for others; says at which step. No array has changed.
    """
    if deterministic is None:
        deterministic = deterministic_by_default()
    plan = plan_of_call((x, t, order, *arrays), batch_size, deterministic)
    if isinstance(plan, str):
        raise ValueError(f"fit: the persistent kernel cannot train this net: {plan}")
    buffers = _buffers(plan, x, t, {} if workspace is None else workspace)
    rates = np.array([settings["lr"] for settings in options], dtype=np.float32)
    buffers.begin_epoch(order, rates)
    made = _run(buffers, arrays, len(rates), should_stop, PATIENCE if patience is None else patience)
    results = [buffers.xp.empty_like(array) for array in arrays] if out is None else list(out)
    buffers.give(made, results)
    return (buffers.losses[:made] + 0, *results)


def _buffers(plan: Plan, x: Array, t: Array, workspace: dict[str, Any]) -> Buffers:
    kept: Buffers | None = workspace.get("persistent")
    if kept is None or not kept.serve(plan, x, t):
        workspace["persistent"] = kept = Buffers(plan, x, t)
    return kept


def _run(
    buffers: Buffers,
    arrays: Sequence[Array],
    steps: int,
    should_stop: Callable[[], bool] | None,
    patience: int,
) -> int:
    """Launch the kernel until the epoch is over, and once for no steps; return the steps made."""
    made = 0
    while True:
        last = min(made + STEPS_AT_ONCE, steps)
        launches = functools.partial(_launch_steps, buffers, arrays, made, last, patience)
        buffers.steps.start(
            launches, *arrays, buffers.order, buffers.rates, buffers.losses, made, last, patience
        )
        _check_met(buffers)
        made = last
        if made >= steps or (should_stop is not None and should_stop()):
            return made


def _launch_steps(buffers: Buffers, arrays: Sequence[Array], first: int, last: int, patience: int) -> None:
    plan = buffers.plan
    buffers.begin_steps(arrays, whole=first == 0)
    _launch.launch_cooperatively(
        persistent_epoch(plan), plan.blocks, plan.threads, buffers.data, buffers.t, buffers.order,
        buffers.rates, buffers.W1, buffers.b1, buffers.W2, buffers.z, buffers.meeting, buffers.losses,
        np.int32(first), np.int32(last), np.int32(patience),
    )  # fmt: skip


def _check_met(buffers: Buffers) -> None:
    """Wait for the kernel; raise StalledError if its blocks did not all meet at every step."""
    words = buffers.meeting.tolist()
    if words[meeting.ARRIVALS] >= int(meeting.GIVEN_UP):
        step, blocks = words[meeting.STEP] + 1, buffers.plan.blocks
        raise StalledError(
            f"fit: at step {step} of the epoch only {words[meeting.SEEN] % blocks} of {blocks} blocks had "
            "arrived when one gave up waiting. The net is as before; take another engine, and report it."
        )
