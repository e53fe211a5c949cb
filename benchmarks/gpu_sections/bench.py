"""What a section is given: the plan, the data, the device, and where its raw samples go."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from typing import Any, TextIO

import numpy as np

from gpu_sections import FIRST_STEP, data
from gpu_sections.device import Device
from gpu_sections.plan import Plan
from xpnet.bench.case import Case, Data
from xpnet.bench.session import parse_case


class Bench:
    """Of one section.

    Parameters
    ----------
    plan : Plan
    output : text file
        Gets a line of JSON for every record, at once: what was measured before a crash is kept.
    earlier : list of dict, optional
        The sections before, as the document holds them.
    limit : float, optional
        Seconds until the section is ended.
    """

    def __init__(
        self, plan: Plan, output: TextIO, earlier: list[dict[str, Any]] | None = None, limit: float = math.inf
    ) -> None:
        self.plan, self.earlier = plan, earlier or []
        self.until = time.monotonic() + limit
        self.failures: list[str] = []
        self._output, self._one_at_a_time = output, threading.Lock()

    def record(self, what: str, **values: Any) -> None:
        """Keep a measurement."""
        line = json.dumps(plain({"what": what, **values}))
        with self._one_at_a_time:
            self._output.write(line + "\n")
            self._output.flush()

    @contextlib.contextmanager
    def attempt(self, what: str, **values: Any) -> Iterator[None]:
        """Record what goes wrong inside, and go on after it; the section counts as failed."""
        try:
            yield
        except Exception as error:
            traceback.print_exc()
            self.failures.append(f"{what}: {error}")
            self.record(what, **values, error=in_words(error))

    @functools.cached_property
    def device(self) -> Device:
        """The GPU, or its double in a dry run."""
        if self.plan.dry:
            from gpu_sections import doubles

            return Device(doubles.cupy(), view=lambda array: array)
        return Device.real()

    @functools.cached_property
    def named_data(self) -> tuple[str, Data]:
        """The name of the data, and the data."""
        name, loaded = data.load(self.plan.dry)
        return name, loaded.first(self.plan.samples)

    @property
    def data(self) -> Data:
        """The data, on the host."""
        return self.named_data[1]

    def case(self, net: str, tf32: bool = False) -> Case:
        """Return the case of e.g. `50@100` for these data; in a dry run of a net that is small."""
        if self.plan.dry:
            hidden, _, _ = net.partition("@")
            net = ",".join(str(6 - i) for i, _ in enumerate(hidden.split(","))) + "@32"
        case = parse_case(net, self.data)
        return Case(case.sizes, case.batch, case.lr, tf32=tf32 and not self.plan.dry)

    def records(self, section: str) -> list[dict[str, Any]]:
        """Return what an earlier section recorded."""
        return [record for one in self.earlier if one["name"] == section for record in one["records"]]

    @property
    def waits_for_ever(self) -> str | None:
        """Why the persistent kernel must not be run, or None if it may."""
        for one in self.earlier:
            if one["name"] == FIRST_STEP and one["status"] != "ok":
                return f"left out: its first step {one['status']}"
        return None


def plain(value: Any) -> Any:
    """Return what JSON can hold: no NumPy, and null for what is no finite number."""
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def in_words(error: BaseException) -> str:
    """Return an error in a line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:600]


def say(line: str) -> None:
    """Say in the section's log what goes on."""
    print(line, file=sys.stderr, flush=True)
