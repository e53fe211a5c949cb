"""The two backends that compute on the CPU: `numpy`, the yardstick, and `numba`, for training."""

from __future__ import annotations

import functools
import platform
from pathlib import Path
from typing import Any

import numpy as np

from xpnet._backends.base import Backend, Problem
from xpnet_kernels import _compiler, _dispatch, _threads


class NumpyBackend(Backend):
    """NumPy arrays, served by the reference."""

    name = "numpy"
    family = "numpy"
    engines = _dispatch.REFERENCE

    def problem(self) -> Problem | None:
        """Return None: NumPy is always there."""
        return None

    def device(self) -> str:
        """Return the processor in words."""
        return _processor()

    @property
    def xp(self) -> Any:
        """The array module."""
        return np


class NumbaBackend(NumpyBackend):
    """NumPy arrays, served by Numba kernels and by the reference where there is none."""

    name = "numba"
    engines = _dispatch.KERNELS

    def problem(self) -> Problem | None:
        """Return None if numba is installed; it is not imported for that."""
        if _compiler.obstacle() is not _compiler.ABSENT:
            return None
        return Problem(_compiler.ABSENT.reason, f"{_compiler.ABSENT.remedy}, or use the backend 'numpy'")

    def limitation(self) -> Problem | None:
        """Return why the reference takes the place of the kernels, or None if Numba compiles them."""
        found = _compiler.obstacle()
        return None if found is None else Problem(f"by the reference: {found.reason}", found.remedy)


@functools.cache
def _processor() -> str:
    cores = _threads.available()
    return f"CPU, {_processor_name()}, {cores} core{'s' if cores > 1 else ''}"


def _processor_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()
