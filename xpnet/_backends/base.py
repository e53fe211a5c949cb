"""What a backend is: where new arrays are made, and which engines serve the arrays of each family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array, aligned_empty, family_of, is_array
from xpnet_kernels._dispatch import Engines
from xpnet_kernels._plain import plain

Mark = Any
"""A point in a device's work, e.g. an event; None on a host, where all that was asked for is done."""


@dataclass(frozen=True)
class Problem:
    """Why a backend cannot be used here, and the line that mends it."""

    reason: str
    remedy: str


class BackendUnavailableError(RuntimeError):
    """A backend was asked for that cannot be used on this machine."""


class Backend:
    """One of the places and ways to compute.

    Attributes
    ----------
    name : str
        `"numpy"`, `"numba"`, `"cupy"` or `"numba-cuda"`.
    family : str
        The array library: `"numpy"` or `"cupy"`.
    engines : mapping
        Which engine serves the arrays of each family; see `xpnet_kernels._dispatch`.
    asynchronous : bool
        Whether the host goes on while the device computes.
    """

    asynchronous = False
    name: str
    family: str
    engines: Engines

    def __repr__(self) -> str:
        return f"<xpnet backend {self.name}>"

    def __deepcopy__(self, memo: object) -> Backend:
        return self  # there is one of each

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()

    def problem(self) -> Problem | None:
        """Return why the backend cannot be used here, or None if it can."""
        raise NotImplementedError

    def limitation(self) -> Problem | None:
        """Return what a backend that can be used lacks here, and the line that mends it, or None."""
        return None

    def device(self) -> str:
        """Return the device in words, e.g. `"CPU, AMD EPYC, 2 cores"`."""
        raise NotImplementedError

    @property
    def xp(self) -> Any:
        """The array module, `numpy` or `cupy`."""
        raise NotImplementedError

    def from_host(self, array: Any) -> Array:
        """Return a NumPy array on this backend's device, without a copy where it lies there already."""
        return self.xp.asarray(array)

    def synchronize(self) -> None:
        """Wait until the device has done all it was asked to do."""

    def free_memory(self) -> int | None:
        """Return how many bytes new arrays can take, or None where data are computed on where they lie."""
        return None

    def is_out_of_memory(self, error: BaseException) -> bool:
        """Return whether an error says that the device has too little memory."""
        return False

    def staging(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        """Return an uninitialised host array that `upload` can copy from while the host goes on."""
        return np.empty(shape, dtype)

    def upload(self, source: np.ndarray[Any, Any], target: Array, after: Mark) -> Mark:
        """Begin to copy a staging array to the device, beside what is computed there.

        Parameters
        ----------
        source : array
            From `staging`, C-contiguous; must stay as it is until the mark returned is reached.
        target : array of source's shape and dtype, C-contiguous, on the device
        after : Mark
            The copy waits for it: whatever reads or writes `target` before.

        Returns
        -------
        Mark
            The end of the copy.
        """
        target[...] = source
        return None

    def mark(self) -> Mark:
        """Return the point after all that was asked of the device so far, copies of `upload` apart."""
        return None

    def let_device_wait(self, mark: Mark) -> None:
        """Let what is asked of the device from now on wait for a mark; the host goes on."""

    def let_host_wait(self, mark: Mark) -> None:
        """Wait until the device has come to a mark."""

    def asarray(self, values: Any, dtype: Any = None) -> Array:
        """Return `values` as an array on this backend's device.

        Parameters
        ----------
        values : array of any family, list or number
        dtype : dtype, optional
            The dtype to convert to; by default the values' own.

        Returns
        -------
        array
            `values` itself if nothing had to change.

        Raises
        ------
        TypeError
            If `values` is a masked array.
        """
        values = plain(values)
        if is_array(values) and family_of(values).name == self.family:
            return values if dtype is None or values.dtype == dtype else _converted(values, dtype)
        return self.from_host(np.asarray(to_numpy(values), dtype=dtype))

    def require(self) -> Backend:
        """Return this backend.

        Raises
        ------
        BackendUnavailableError
            If it cannot be used here; says why and what to do.
        """
        problem = self.problem()
        if problem is not None:
            raise BackendUnavailableError(
                f"backend {self.name!r} cannot be used here: {problem.reason}. To mend it: {problem.remedy}"
            )
        return self


def to_numpy(values: Any) -> np.ndarray[Any, Any]:
    """Return `values` as a NumPy array on the host; a CuPy array is copied from its device.

    Parameters
    ----------
    values : array of any family, list or number
    """
    values = plain(values)
    if not is_array(values):
        return np.asarray(values)
    family = family_of(values)
    if family.name == "numpy":
        return np.asarray(values)
    if family.name == "cupy":
        return np.asarray(values.get())
    return np.from_dlpack(values, device="cpu", copy=True)


def _converted(values: Array, dtype: Any) -> Array:
    """Return an array in another dtype; on the host where kernels read it best."""
    if not (isinstance(values, np.ndarray) and values.flags.c_contiguous):
        return values.astype(dtype)
    made = aligned_empty(values.shape, dtype)
    made[...] = values
    return made
