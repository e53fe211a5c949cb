"""The CPU quota of this process's Linux control groups, as a container with a limit of processors has one.

`docker --cpus=2` leaves every processor of the machine visible, and stops all threads of the container for
the rest of each period (0.1 s) in which they have used up two processors' time.

Sources: cgroup-v2.rst (cpu.max) and sched-bwc.rst (cpu.cfs_quota_us) of the Linux kernel's documentation;
proc(5) on /proc/self/mountinfo and cgroups(7) on /proc/self/cgroup.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_PERIOD = 100_000.0
"""Microseconds of a period where a group names none."""


class _Mount(NamedTuple):
    """A mounted hierarchy: which of its groups is seen at the mount point, and where that is."""

    root: str
    point: str


def processors_allowed(system: Path = Path("/")) -> int | None:
    """Return how many processors' time the quota allows, or None where there is no quota.

    Parameters
    ----------
    system : Path, optional
        The root of the file system.

    Returns
    -------
    int or None
        The smallest quota of the process's groups and of all groups above them, rounded up: at least 1.
    """
    quotas = list(_quotas(system))
    return max(1, math.ceil(min(quotas))) if quotas else None


def _quotas(system: Path) -> Iterator[float]:
    groups = {name: path for line in _lines(system / "proc/self/cgroup") for name, path in _groups(line)}
    for line in _lines(system / "proc/self/mountinfo"):
        for name, mount in _mounts(line):
            if name in groups:
                for folder in _levels(system, mount, groups[name]):
                    quota = _quota_v2(folder) if name == "" else _quota_v1(folder)
                    if quota is not None:
                        yield quota


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def _groups(line: str) -> Iterator[tuple[str, str]]:
    """Yield the controllers of a line of /proc/self/cgroup, each with the group; that of version 2 is ''."""
    _, _, rest = line.partition(":")
    controllers, colon, path = rest.partition(":")
    if colon:
        for name in controllers.split(","):
            yield name, path


def _mounts(line: str) -> Iterator[tuple[str, _Mount]]:
    """Yield the CPU controller of a line of /proc/self/mountinfo, named as by `_groups`, if it has one."""
    before, _, after = line.partition(" - ")
    fields, kind = before.split(" "), after.split(" ")
    if len(fields) < 5 or len(kind) < 3:
        return
    mount = _Mount(_unescaped(fields[3]), _unescaped(fields[4]))
    if kind[0] == "cgroup2":
        yield "", mount
    elif kind[0] == "cgroup" and "cpu" in kind[2].split(","):
        yield "cpu", mount


def _unescaped(path: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path)


def _levels(system: Path, mount: _Mount, group: str) -> Iterator[Path]:
    """Yield the folders of a group and of those above it, as far as they are visible."""
    root, own = _parts(mount.root), _parts(group)
    if own[: len(root)] != root or ".." in own:  # the mount shows other groups, or only those above
        own = root
    folder = system / mount.point.lstrip("/")
    yield folder
    for name in own[len(root) :]:
        folder /= name
        yield folder


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _quota_v2(folder: Path) -> float | None:
    limit, *period = " ".join(_lines(folder / "cpu.max")).split() or ["max"]
    return _ratio(limit, period[0] if period else str(_PERIOD))


def _quota_v1(folder: Path) -> float | None:
    limit, period = (" ".join(_lines(folder / f"cpu.cfs_{name}_us")) for name in ("quota", "period"))
    return _ratio(limit, period or str(_PERIOD))


def _ratio(limit: str, period: str) -> float | None:
    """Return limit / period; None where there is no limit ('max', -1), or what is there is no number."""
    try:
        quota, per = float(limit), float(period)
    except ValueError:
        return None
    return quota / per if 0 < quota < math.inf and 0 < per < math.inf else None
