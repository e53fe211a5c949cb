"""A device that has too little memory: one error that says how much was needed and what to lower."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xpnet._backends.base import Backend


class DeviceMemoryError(MemoryError):
    """The device has too little memory; says how much was needed, how much was free, and what to lower."""


@contextmanager
def enough_memory(
    backend: Backend, doing: str | Callable[[], str], remedy: str, needed: int | None = None
) -> Iterator[None]:
    """Turn the array library's error for too little device memory, within the block, into ours.

    Parameters
    ----------
    backend : Backend
        Where the block allocates.
    doing : str or callable
        What the block does, e.g. `"step 3 of epoch 1"`, or a function that returns it.
    remedy : str
        What to lower, and what the net is like now.
    needed : int, optional
        The bytes of all arrays that the block makes, where they are known.

    Raises
    ------
    DeviceMemoryError
    """
    try:
        yield
    except DeviceMemoryError:
        raise
    except Exception as error:
        if not backend.is_out_of_memory(error):
            raise
        # Else the failed call would hold its arrays for as long as the error is kept: a notebook keeps it.
        traceback.clear_frames(error.__traceback__)
        what = doing if isinstance(doing, str) else doing()
        wanted = "" if needed is None else f"{in_words(needed)} needed in all, "
        free = f"{in_words(backend.free_memory() or 0)} free"
        cause = str(error).rstrip(".")
        raise DeviceMemoryError(
            f"{what}: too little memory on {backend.device()}: {wanted}{free} ({cause}). {remedy}"
        ) from error


def in_words(size: int) -> str:
    """Return a number of bytes in the unit that suits it, e.g. `"9.4 GB"`."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"
