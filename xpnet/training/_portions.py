"""How an epoch goes through its data: all at once, or in portions that travel from the host."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from xpnet._backends import Backend
from xpnet._edge import chunks
from xpnet_kernels._arrays import Array


@dataclass
class Portion:
    """Samples on the device, and the order in which to visit them.

    Attributes
    ----------
    x, t : array
        On the device. Those of one place keep their addresses and shapes throughout a run.
    order : array (visited,), int64
        On the device; a whole number of batches, but for the last portion of an epoch.
    workspace : dict
        What an operation keeps for the arrays of this place.
    """

    x: Array
    t: Array
    order: Array
    workspace: dict[str, Any]


class Resident:
    """Data that lie on the device: an epoch is one portion.

    Attributes
    ----------
    x, t : array
        Inputs and targets of all samples, where they are kept; may be replaced before `reserve`.
    said : str
        What `fit` adds to its line about where it runs.
    """

    said = ""

    def __init__(self, backend: Backend, x: Array, t: Array) -> None:
        self.backend, self.x, self.t = backend, x, t
        self._workspace: dict[str, Any] = {}

    def reserve(self) -> None:
        """Ask for the memory that the portions need: none."""

    def first(self) -> Portion:
        """Return the portion of the first samples in their own order, to compile for and to time."""
        return self._portion(np.arange(self.x.shape[0]))

    def portions(self, permutation: np.ndarray[Any, Any]) -> Generator[Portion, None, None]:
        """Yield the portions of an epoch that visits the samples in the order given."""
        yield self._portion(permutation)

    def _portion(self, permutation: np.ndarray[Any, Any]) -> Portion:
        return Portion(self.x, self.t, self.backend.asarray(permutation), self._workspace)


class Streamed:
    """Data that stay on the host: while the device trains on one portion, the next one is copied to it.

    There are two places for a portion. Each has arrays in page-locked memory, into which the calling thread
    gathers the samples in the order of the epoch, and arrays on the device, to which they are copied beside
    the computation. A place on the host is used again once its copy has ended, a place on the device once
    the training on it has.

    Parameters
    ----------
    backend : Backend
    x, t : array
        On the host; as for `Resident`.
    dtype : dtype
        What x becomes on its way.
    rows : int
        Samples in a portion.
    said : str
        As for `Resident`.
    """

    def __init__(self, backend: Backend, x: Array, t: Array, dtype: Any, rows: int, said: str) -> None:
        self.backend, self.x, self.t = backend, x, t
        self.dtype, self.rows, self.said = dtype, rows, said
        self._places: list[_Place] = []

    def reserve(self) -> None:
        """Ask for the memory that the portions need."""
        sources = [(self.x, self.dtype), (self.t, self.t.dtype)]
        self._places = [_Place(self.backend, sources, self.rows) for _ in range(2)]
        self._order = self.backend.asarray(np.arange(self.rows))

    def first(self) -> Portion:
        """Return the portion of the first samples in their own order, to compile for and to time."""
        place = self._places[0]
        place.begin(np.arange(self.rows))
        self.backend.let_device_wait(place.copied)
        return self._portion(place, self.rows)

    def portions(self, permutation: np.ndarray[Any, Any]) -> Generator[Portion, None, None]:
        """Yield the portions of an epoch that visits the samples in the order given."""
        cuts = list(chunks(len(permutation), self.rows))
        for place in self._places:
            place.used = self.backend.mark()
        try:
            self._places[0].begin(permutation[cuts[0]])
            for number, cut in enumerate(cuts):
                place, other = self._places[number % 2], self._places[1 - number % 2]
                if number + 1 < len(cuts):
                    other.begin(permutation[cuts[number + 1]])
                self.backend.let_device_wait(place.copied)
                yield self._portion(place, cut.stop - cut.start)
                place.used = self.backend.mark()
        finally:
            # Also after Ctrl-C or an error: the copies begun must end before their memory goes to others.
            for place in self._places:
                self.backend.let_device_wait(place.copied)

    def _portion(self, place: _Place, samples: int) -> Portion:
        x, t = place.device
        return Portion(x, t, self._order[:samples], place.workspace)


class _Place:
    """Room for one portion, on the host and on the device.

    Attributes
    ----------
    copied : Mark
        The end of the last copy to the device.
    used : Mark
        The end of what the device does with it, or did with the memory before.
    """

    def __init__(self, backend: Backend, sources: list[tuple[Array, Any]], rows: int) -> None:
        self.backend, self.sources = backend, [source for source, _ in sources]
        shapes = [((rows, *source.shape[1:]), dtype) for source, dtype in sources]
        # Zeros: a kernel that is warmed up on them must find labels that are there.
        self.device = [backend.xp.zeros(shape, dtype=dtype) for shape, dtype in shapes]
        self.host = [backend.staging(shape, dtype) for shape, dtype in shapes]
        self.copied = self.used = backend.mark()
        self.workspace: dict[str, Any] = {}

    def begin(self, indices: np.ndarray[Any, Any]) -> None:
        """Gather samples on the host, and begin to copy them to the device."""
        self.backend.let_host_wait(self.copied)
        rows = slice(0, len(indices))
        for source, host, device in zip(self.sources, self.host, self.device, strict=True):
            _gather(source, indices, host[rows])
            self.copied = self.backend.upload(host[rows], device[rows], self.used)


def _gather(source: Array, indices: np.ndarray[Any, Any], into: np.ndarray[Any, Any]) -> None:
    if source.dtype == into.dtype and source.flags.c_contiguous:
        np.take(source, indices, axis=0, out=into, mode="clip")  # the mode "raise" makes a copy of `into`
    else:
        into[...] = source[indices]
