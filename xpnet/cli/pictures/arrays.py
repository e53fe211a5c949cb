"""A .npy file as images with values 0..1."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from xpnet._input_range import AS_GIVEN, PIXELS
from xpnet.cli._errors import Failure
from xpnet.cli.pictures._pillow import Grey

# A scan or a photo reaches at least a fifth of its range; 0..16 or 0..1 in uint8 do not.
_FAR_BELOW = 0.2


class Arrays(NamedTuple):
    """Images of a .npy file.

    Attributes
    ----------
    images : array (N, D), (N, H, W) or (N, 1, H, W) float32
        In 0..1.
    notes : tuple of str
        What about the values may surprise.
    """

    images: Grey
    notes: tuple[str, ...] = ()


def read_arrays(path: Path, inputs: int, input_range: tuple[float, float] = (0, 255)) -> Arrays:
    """Read a .npy file of one image or a batch, of the net's size or square.

    Parameters
    ----------
    path : Path
    inputs : int
        D, the numbers that the net takes for one image.
    input_range : tuple of float, optional
        (low, high): the uint8 values that become 0 and 1, in images of the net's size. Others are pictures,
        0..255.

    Raises
    ------
    Failure
        If the file is no array of numbers or does not fit the net; names the file.
    OSError
        If it cannot be read.
    """
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError):  # NumPy's own words advise to load it unsafely
        raise Failure(f"{path} is no whole .npy file of numbers; write it with numpy.save") from None
    if not isinstance(array, np.ndarray) or array.size == 0:
        raise Failure(f"{path} holds no image; save an array of them with numpy.save")
    if array.size == inputs or (array.ndim > 1 and math.prod(array.shape[1:]) == inputs):
        images, notes = _scaled(path, array, *input_range)
        return Arrays(images.reshape(-1, inputs), notes)
    images, notes = _scaled(path, array, *PIXELS)
    if array.ndim == 4 and array.shape[1] == 1:
        images = images[:, 0]
    if images.ndim in (2, 3) and images.shape[-1] == images.shape[-2]:
        return Arrays(images if images.ndim == 3 else images[None], notes)
    raise Failure(
        f"{path} has the shape {array.shape}, but the net takes {inputs} numbers for an image; give "
        f"({inputs},), (N, {inputs}), or square images (H, H) or (N, H, H)"
    )


def _scaled(path: Path, array: npt.NDArray[Any], low: float, high: float) -> tuple[Grey, tuple[str, ...]]:
    if array.dtype == np.bool_:
        return array.astype(np.float32), ()
    if array.dtype == np.uint8:
        scaled = (array.astype(np.float32) - np.float32(low)) / np.float32(high - low)
        return scaled, _notes_on_range(array, low, high)
    if array.dtype.kind != "f":
        raise Failure(f"{path} holds {array.dtype}; save uint8 in {low:g}..{high:g} or floats in 0..1")
    if (low, high) != AS_GIVEN and not (array.min() >= 0 and array.max() <= 1):
        raise Failure(
            f"{path} holds floats from {array.min():g} to {array.max():g}; scale them to 0..1, or save "
            f"uint8 in {low:g}..{high:g}"
        )
    return array.astype(np.float32), ()


def _notes_on_range(array: npt.NDArray[np.uint8], low: float, high: float) -> tuple[str, ...]:
    largest = int(array.max())
    if largest > high:
        return (f"uint8 up to {largest}, but the net's inputs end at {high:g}: some inputs are above 1",)
    if low < largest < low + _FAR_BELOW * (high - low):
        return (
            f"uint8 up to {largest} only, and {high:g} counts as 1; if {largest} is the brightest, save "
            "floats in 0..1",
        )
    return ()
