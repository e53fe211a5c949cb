"""Fitting one picture to a net: into a frame of digits, or only to the net's size."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from xpnet.cli._errors import Failure
from xpnet.cli.pictures._pillow import Grey, reduced, resized
from xpnet.cli.pictures.frames import Frame
from xpnet.cli.pictures.ground import flattened, has_dark_ink, is_plain, separate
from xpnet.cli.pictures.ink import Digit, find_digit
from xpnet.cli.pictures.read import Picture

_LARGEST, _LARGEST_PHOTO = 1024, 256
"""Pixels of the longer side that ink is sought in; larger pictures are reduced by a whole factor. A photo is
reduced further: that takes the mean of its noise."""


class Fitted(NamedTuple):
    """A picture in a net's form.

    Attributes
    ----------
    image : array (H, W) float32
        In 0..1.
    notes : tuple of str
        What was done, in the order of the steps.
    framed, cut, inverted : bool
        Whether it is in a frame of digits, was cut to its ink to get there, had dark and light swapped.
    """

    image: Grey
    notes: tuple[str, ...] = ()
    framed: bool = False
    cut: bool = False
    inverted: bool = False


def fit_to_frame(name: str, picture: Picture, frame: Frame, invert: bool | None = None) -> Fitted:
    """Find the digit in a picture and put it into a frame; a square that is in the frame is only resized.

    Raises
    ------
    Failure
        If there is no digit.
    """
    grey = flattened(picture)
    return _of_the_same_size(picture, grey, frame, invert) or _found(name, picture, grey, frame, invert)


def _of_the_same_size(picture: Picture, grey: Grey, frame: Frame, invert: bool | None) -> Fitted | None:
    """Take a picture as it is if it has the frame's size and is in the frame, or has no margin to cut."""
    if grey.shape != (frame.side, frame.side):
        return None
    dark = has_dark_ink(grey) if invert is None else invert
    image = 1 - grey if dark else grey
    notes = (*picture.notes, *_note_on_ink(dark))
    if frame.holds(image):
        return Fitted(image, notes, framed=True, inverted=dark)
    if not dark and frame.is_filled(image):
        side = f"{frame.side}x{frame.side}"
        return Fitted(image, (*notes, f"{side} pixels filled from border to border: taken as they are"))
    return None


def _found(name: str, picture: Picture, grey: Grey, frame: Frame, invert: bool | None) -> Fitted:
    plain = is_plain(grey)
    factor = -(-max(grey.shape) // (_LARGEST if plain else _LARGEST_PHOTO))
    ink = separate(reduced(grey, factor), plain, invert)
    digit = find_digit(ink)
    if isinstance(digit, str):
        anyway = ", or --no-frame to take it as it is" if np.ptp(grey) > 0 else ""
        raise Failure(f"{name} is empty: {digit}; give a picture with a digit{anyway}")
    notes = (*picture.notes, *_note_on_ink(ink.dark))
    if plain and grey.shape[0] == grey.shape[1] > frame.side:
        image = resized(1 - grey if ink.dark else grey, frame.side, frame.side)
        if frame.holds(image):
            step = f"all {len(grey)}x{len(grey)} pixels scaled: in the frame of {frame.name} already"
            return Fitted(image, (*notes, step), framed=True, inverted=ink.dark)
    image, size = frame.place(digit.amount)
    steps = _note_on_cut(digit, factor, grey), f"scaled to {size[1]}x{size[0]} in the frame of {frame.name}"
    levelled = ["uneven ground levelled"] if ink.uneven else []
    return Fitted(image, (*notes, *levelled, *steps), framed=True, cut=True, inverted=ink.dark)


def fit_to_size(name: str, picture: Picture, inputs: int, invert: bool = False) -> Fitted:
    """Bring a picture to a net's square, transparent parts white, on a dark ground where it is not square.

    Raises
    ------
    Failure
        If all pixels are equal, or the net takes no square.
    """
    grey = picture.on(1.0)
    if np.ptp(grey) == 0:
        raise Failure(f"{name} is empty: all its pixels are of one grey; give a picture with something on it")
    if invert:
        grey = 1 - grey
    if grey.size == inputs:
        return Fitted(grey, picture.notes)
    side, (height, width) = math.isqrt(inputs), grey.shape
    if side * side != inputs:
        raise Failure(
            f"{name} has {width}x{height} pixels, but the net takes {inputs} numbers, which is no square to "
            "resize to; give a .npy file of that many numbers"
        )
    scale = side / max(grey.shape)
    height, width = (max(1, round(scale * length)) for length in grey.shape)
    image = np.zeros((side, side), np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    image[top : top + height, left : left + width] = resized(grey, height, width)
    return Fitted(image, picture.notes)


def _note_on_ink(dark: bool) -> list[str]:
    return ["dark on light: inverted"] if dark else []


def _note_on_cut(digit: Digit, factor: int, grey: Grey) -> str:
    corner = digit.top * factor, digit.left * factor
    # The last pixel of a reduced picture may stand for fewer than the others.
    height, width = (
        min(length * factor, whole - start)
        for length, whole, start in zip(digit.amount.shape, grey.shape, corner, strict=True)
    )
    return f"cut to {width}x{height} pixels at ({corner[1]}, {corner[0]}) of {grey.shape[1]}x{grey.shape[0]}"
