"""The switch: which backend new arrays are made on, and which engines serve the arrays there are.

The choice is process-wide, so that it holds from one notebook cell to the next, in every thread and across
`await`. It starts from the environment variable XPNET_BACKEND, or `auto`, when it is first needed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from xpnet import _blas
from xpnet._backends.base import Backend, BackendUnavailableError, Problem, to_numpy
from xpnet._backends.cuda import CupyBackend, NumbaCudaBackend
from xpnet._backends.host import NumbaBackend, NumpyBackend
from xpnet._backends.memory import DeviceMemoryError
from xpnet_kernels import _compiler, _dispatch
from xpnet_kernels._arrays import Array, family_of

__all__ = [
    "CHOICES",
    "Backend",
    "BackendStatus",
    "BackendUnavailableError",
    "DeviceMemoryError",
    "Problem",
    "asarray",
    "backends",
    "current",
    "find",
    "of_arrays",
    "to_numpy",
    "use",
    "using",
]

_BACKENDS: dict[str, Backend] = {
    backend.name: backend for backend in (NumpyBackend(), NumbaBackend(), CupyBackend(), NumbaCudaBackend())
}
_ALIASES = {"cpu": "numba", "gpu": "numba-cuda"}
CHOICES = (*_BACKENDS, *_ALIASES, "auto")
"""Every name that chooses a backend."""

_PREFERRED = ("numba-cuda", "numba", "numpy")
"""What `auto` takes the first usable of."""

_current: Backend | None = None


@dataclass(frozen=True)
class BackendStatus:
    """One line of `xpnet.backends()`.

    Attributes
    ----------
    name : str
    usable : bool
    device : str
        The device in words, or `""`.
    reason, remedy : str
        Why the backend cannot be used, or what it lacks, and the line that mends it, or `""`.
    """

    name: str
    usable: bool
    device: str = ""
    reason: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        words = f"usable: {self.device}" if self.usable else "not usable"
        if not self.reason:
            return f"{self.name:<11} {words}"
        return (
            f"{self.name:<11} {words}{',' if self.usable else ':'} {self.reason}. To mend it: {self.remedy}"
        )


def backends() -> list[BackendStatus]:
    """Return every backend with its device, or why it cannot be used here and the line that mends it."""
    return [_status(backend) for backend in _BACKENDS.values()]


def _status(backend: Backend) -> BackendStatus:
    problem = backend.problem()
    if problem is not None:
        return BackendStatus(backend.name, False, reason=problem.reason, remedy=problem.remedy)
    lacks = backend.limitation() or Problem("", "")
    return BackendStatus(backend.name, True, backend.device(), lacks.reason, lacks.remedy)


def find(choice: str | Backend) -> Backend:
    """Return the backend of a name, ready for use.

    Parameters
    ----------
    choice : str or Backend
        A backend's name; `"cpu"` (numba: stay on the CPU), `"gpu"` (numba-cuda: require a GPU) or `"auto"`
        (prefer a GPU: `gpu` where one is usable, `cpu` elsewhere, or `numpy` without numba).

    Raises
    ------
    ValueError
        If the name is unknown; lists the choices.
    BackendUnavailableError
        If the backend cannot be used here; says why and what to do.

    Warns
    -----
    RuntimeWarning
        Once, if no CPU kernel can be compiled here, so that the reference computes.
    """
    _blas.follow()  # nothing computes before it has a backend
    found = _named(choice) if isinstance(choice, str) else choice.require()
    if found.family == "numpy" and (choice == "auto" or found.engines is _dispatch.KERNELS):
        _compiler.check()
    return found


def _named(choice: str) -> Backend:
    if choice == "auto":
        usable = (name for name in _PREFERRED if _BACKENDS[name].problem() is None)
        return _BACKENDS[next(usable)]
    name = _ALIASES.get(choice, choice)
    if name not in _BACKENDS:
        raise ValueError(f"unknown backend {choice!r}; choose one of {', '.join(CHOICES)}")
    return _BACKENDS[name].require()


def use(choice: str | Backend) -> Backend:
    """Choose the backend for the whole process, from now on.

    New arrays and nets are made on it, and its kernels or the reference serve the arrays there are. Nets
    that exist stay on their device: move one with `net.to(...)`.

    Parameters
    ----------
    choice : str or Backend
        See `find`; `"auto"` says on stderr what it took and why.

    Returns
    -------
    Backend
        The backend chosen.

    Raises
    ------
    ValueError, BackendUnavailableError
        As `find`; the choice before stays in force.
    """
    backend = find(choice)
    if choice == "auto":
        sys.stderr.write(f"xpnet: {describe_auto(backend)}\n")
    _set(backend)
    return backend


def describe_auto(backend: Backend) -> str:
    """Say what `auto` took and why."""
    problem = _BACKENDS["numba-cuda"].problem()
    why = "a GPU is usable" if problem is None else f"no GPU: {problem.reason}"
    lacks = _compiler.obstacle()
    if problem is not None and lacks is not None:
        why += f"; no compiled kernels: {lacks.reason}"
    return f"backend auto took {backend.name} on {backend.device()} ({why})"


def _set(backend: Backend | None) -> None:
    global _current
    _current = backend
    _dispatch.set_process_wide(backend.engines if backend is not None else None)


@contextmanager
def using(choice: str | Backend) -> Iterator[Backend]:
    """Choose the backend for a `with` block; the choice before comes back at its end.

    The choice is process-wide all the same: another thread sees it too.
    """
    before = _current
    backend = use(choice)
    try:
        yield backend
    finally:
        _set(before)


def current() -> Backend:
    """Return the backend in force; the first call reads XPNET_BACKEND, or takes `auto`.

    Raises
    ------
    ValueError, BackendUnavailableError
        If XPNET_BACKEND names no backend, or one that cannot be used here.
    """
    if _current is None:
        _set(_from_environment())
    assert _current is not None
    return _current


def _from_environment() -> Backend:
    _blas.follow()  # its error is about another variable than the one below
    choice = os.environ.get("XPNET_BACKEND")
    if choice is None:
        return find("auto")
    try:
        return find(choice)
    except (ValueError, BackendUnavailableError) as error:
        raise type(error)(f"XPNET_BACKEND={choice}: {error}") from None


_dispatch.choose_with(lambda: current().engines)


def of_arrays(array: Array) -> Backend:
    """Return the backend that serves an array: its family decides the device, the switch the engine."""
    chosen = current()
    family = family_of(array).name
    if chosen.family == family:
        return chosen
    for backend in _BACKENDS.values():
        if backend.family == family and backend.engines is chosen.engines:
            return backend
    raise TypeError(f"no backend holds {family} arrays; convert with xpnet.asarray(...)")


def asarray(values: Any, dtype: Any = None, backend: str | Backend | None = None) -> Array:
    """Return `values` as an array on a backend's device.

    Parameters
    ----------
    values : array of any family, list or number
    dtype : dtype, optional
        By default the values' own.
    backend : str or Backend, optional
        By default the one in force.
    """
    return (current() if backend is None else find(backend)).asarray(values, dtype)
