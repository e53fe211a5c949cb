"""A picture file as upright grey values, and what of it is transparent."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from xpnet.cli._errors import Failure
from xpnet.cli.pictures._pillow import Grey, pillow

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")
"""The formats that are read. Pillow knows many more, old and seldom used ones with parsers seldom tested."""

_ORIENTATION = 0x0112


class Picture(NamedTuple):
    """A picture as a viewer shows it.

    Attributes
    ----------
    grey : array (H, W) float32
        0 black to 1 white.
    opacity : array (H, W) float32, or None
        0 transparent to 1 opaque; None where every pixel is opaque.
    notes : tuple of str
        What was done that the file alone does not show.
    """

    grey: Grey
    opacity: Grey | None
    notes: tuple[str, ...] = ()

    def on(self, paper: float) -> Grey:
        """Return the grey values with paper of one grey behind the transparent parts."""
        if self.opacity is None:
            return self.grey
        return self.grey * self.opacity + np.float32(paper) * (1 - self.opacity)


def read_picture(path: Path) -> Picture:
    """Read a picture: the first frame of an animation, turned upright by its EXIF orientation.

    Raises
    ------
    Failure
        If pillow is missing, or the file is no whole picture of one of FORMATS, or too large to be one.
    OSError
        If the file cannot be opened.
    """
    image_module = pillow(path)
    try:
        # Warnings of pillow: damaged EXIF data are no reason to refuse, a possible bomb is one.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", image_module.DecompressionBombWarning)
            with image_module.open(path, formats=FORMATS) as picture:
                frames = getattr(picture, "n_frames", 1)
                picture.load()
                return _upright(_orientation(picture), *_grey_and_opacity(picture), frames=frames)
    except (image_module.DecompressionBombError, image_module.DecompressionBombWarning) as error:
        raise Failure(f"{path} is too large to be read as a picture ({error}); make it smaller") from None
    except image_module.UnidentifiedImageError:
        raise Failure(
            f"{path} is no whole picture of a known format; give one of {', '.join(FORMATS)}"
        ) from None
    except (SyntaxError, ValueError, IndexError) as error:
        # What pillow raises for a damaged file, besides OSError.
        raise Failure(f"{path} is no whole picture ({error})") from None
    except OSError as error:
        if error.errno is not None:  # a matter of the disk, not of the picture
            raise
        raise Failure(f"{path} is no whole picture ({error}); save it again") from None


def _orientation(picture: Any) -> int:
    try:
        orientation = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF data end in errors of any type, and say nothing about the pixels
        return 1
    return orientation if orientation in range(1, 9) else 1


def _grey_and_opacity(picture: Any) -> tuple[Grey, Grey | None]:
    transparent = picture.info.get("transparency")
    if picture.mode.startswith("I"):  # 16 bits: convert("L") would clip and not scale
        values = np.asarray(picture)
        opacity = (values != transparent).astype(np.float32) if isinstance(transparent, int) else None
        return values.astype(np.float32) / np.float32(65535), opacity
    if picture.mode[-1] in "Aa" or transparent is not None:
        picture = picture.convert("RGBA")
        opacity = _unit(picture.getchannel("A"))
        return _unit(picture.convert("RGB").convert("L")), None if opacity.min() == 1 else opacity
    if picture.mode == "CMYK":
        picture = picture.convert("RGB")
    return _unit(picture.convert("L")), None


def _unit(channel: Any) -> Grey:
    return np.asarray(channel, np.float32) / np.float32(255)


def _upright(orientation: int, grey: Grey, opacity: Grey | None, *, frames: int) -> Picture:
    """Undo what the EXIF orientation (1..8) says was done to the pixels."""
    notes = []
    if frames > 1:
        notes.append(f"first of {frames} frames")
    if orientation > 1:
        notes.append(f"turned upright (EXIF orientation {orientation})")
    turned = [
        None if array is None else np.ascontiguousarray(_turned(array, orientation))
        for array in (grey, opacity)
    ]
    assert turned[0] is not None
    return Picture(turned[0], turned[1], tuple(notes))


def _turned(array: Grey, orientation: int) -> Grey:
    if orientation in (5, 6, 7, 8):  # rows and columns are swapped
        array = array.T
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return array
