"""Preparing: from a file to the rows of numbers that a net takes, and what was done on the way."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from xpnet.cli._errors import Failure
from xpnet.cli.pictures._pillow import Grey, pillow
from xpnet.cli.pictures.arrays import read_arrays
from xpnet.cli.pictures.fit import Fitted, fit_to_frame, fit_to_size
from xpnet.cli.pictures.frames import frame_for
from xpnet.cli.pictures.ground import border
from xpnet.cli.pictures.read import Picture, read_picture


class Prepared(NamedTuple):
    """Images in the form that a net takes.

    Attributes
    ----------
    x : array (N, D) float32
        0..1.
    notes : tuple of str
        What was done and what may surprise; empty where the values are the file's.
    """

    x: Grey
    notes: tuple[str, ...]


def prepare(
    path: Path,
    inputs: int,
    *,
    invert: bool | None = None,
    frame: bool = True,
    input_range: tuple[float, float] = (0, 255),
) -> Prepared:
    """Read a picture, or the images of a .npy file, and bring them into the form that a net takes.

    Parameters
    ----------
    path : Path
    inputs : int
        D, the numbers that the net takes for one image.
    invert : bool, optional
        Whether to swap dark and light. By default a framed picture is inverted if its ink is dark, and
        nothing else is.
    frame : bool, optional
        Whether to bring pictures into the frame of the digits that nets of this size are trained on. Arrays
        of the net's size stay as they are.
    input_range : tuple of float, optional
        (low, high): the uint8 values of an array that become 0 and 1.

    Raises
    ------
    Failure
        If the file is no image, is an empty one or does not fit the net; names the file.
    OSError
        If it cannot be read.
    """
    if path.suffix.lower() != ".npy":
        fitted = _fit(str(path), read_picture(path), inputs, invert, frame)
        return _prepared([fitted], fitted.notes, invert)
    images, notes = read_arrays(path, inputs, input_range)
    if images.ndim == 2:
        images = 1 - images if invert else images
        x = np.ascontiguousarray(images, np.float32)
        return Prepared(x, (*notes, *_hint_at_ground(x[0], invert)))
    pillow(path)
    names = [str(path)] if len(images) == 1 else [f"{path}[{number}]" for number in range(len(images))]
    results = [
        _fit(name, Picture(image, None), inputs, invert, frame)
        for name, image in zip(names, images, strict=True)
    ]
    return _prepared(results, (*notes, *_summary(results)), invert)


def _fit(name: str, picture: Picture, inputs: int, invert: bool | None, frame: bool) -> Fitted:
    if picture.opacity is not None and not picture.opacity.any():
        raise Failure(f"{name} is empty: all of it is transparent; give a picture with a digit")
    known = frame_for(inputs) if frame else None
    if known is not None:
        return fit_to_frame(name, picture, known, invert)
    fitted = fit_to_size(name, picture, inputs, bool(invert))
    if frame and picture.grey.size != inputs:
        note = f"no frame is known for nets of {inputs} inputs: only resized"
        return fitted._replace(notes=(*fitted.notes, note))
    return fitted


def _prepared(results: list[Fitted], notes: tuple[str, ...], invert: bool | None) -> Prepared:
    x = np.stack([fitted.image.ravel() for fitted in results])
    hint = () if results[0].framed else _hint_at_ground(x[0], invert)
    return Prepared(np.ascontiguousarray(x, np.float32), (*notes, *hint))


def _summary(results: list[Fitted]) -> tuple[str, ...]:
    """Return the notes on a batch: one line for all images, not one for each."""
    if len(results) == 1:
        return results[0].notes
    cut = sum(fitted.cut for fitted in results)
    if not cut:
        return ()
    inverted = sum(fitted.inverted for fitted in results)
    also = f", {inverted} of them inverted" if inverted else ""
    return (f"{cut} of {len(results)} images cut to their ink and scaled{also}",)


def _hint_at_ground(row: Grey, invert: bool | None) -> tuple[str, ...]:
    """Say it if an image that is not framed seems to be dark on light; the user decides."""
    side = int(row.size**0.5)
    if side * side != row.size:
        return ()
    if np.median(row.reshape(side, side)[border((side, side))]) <= 0.5:
        return ()
    change = "without --invert" if invert else "with --invert"
    return (f"dark on light; if the net knows light on dark, try {change}",)
