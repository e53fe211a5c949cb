"""The machine and the code that a result belongs to."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import xpnet
from xpnet._backends.host import NumpyBackend
from xpnet.bench import threads
from xpnet.bench.player import version

PACKAGES = ("numpy", "numba", "llvmlite", "cupy-cuda12x", "cupy-cuda13x", "numba-cuda")


def describe(name: str | None = None) -> dict[str, Any]:
    """Return what tells one result from another: machine, system, commit, versions, date.

    Parameters
    ----------
    name : str, optional
        What the machine is to be called; by default the processor's name.
    """
    processor = NumpyBackend().device()
    found = {package: version(package) for package in PACKAGES}
    return {
        "machine": name or processor,
        "processor": processor,
        "devices": {one.name: one.device for one in xpnet.backends() if one.usable},
        "cores": threads.available(),
        "memory_gib": _memory_gib(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {package: what for package, what in found.items() if what != "not installed"},
        "xpnet": xpnet.__version__,
        "commit": commit(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def commit() -> str:
    """Return the commit of the checkout that xpnet is imported from, with "+changes" where files differ."""
    folder = Path(xpnet.__file__).parents[1]
    try:
        head = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", "xpnet", "kernels")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+changes" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _memory_gib() -> float:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return float("nan")


class Load:
    """How busy other programs kept the processors, from its making to the call."""

    def __init__(self) -> None:
        self._busy, self._own, self._wall = _busy_seconds(), time.process_time(), time.perf_counter()

    def of_others(self, players: float) -> float:
        """Return the share of the processors' time that neither this process nor the players used.

        Parameters
        ----------
        players : float
            Seconds of processor time that the players used meanwhile.

        Returns
        -------
        float
            NaN where the system does not tell.
        """
        busy = _busy_seconds() - self._busy - (time.process_time() - self._own) - players
        wall = time.perf_counter() - self._wall
        return max(0.0, busy) / (wall * (os.cpu_count() or 1))


def _busy_seconds() -> float:
    """Return the processor time that all programs together have used since the system's start."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    except OSError:
        return float("nan")
    user, nice, system, _, _, irq, soft, steal = map(int, fields[:8])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")
