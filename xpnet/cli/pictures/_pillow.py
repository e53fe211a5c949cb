"""Operations on images: the resizings that need pillow, an optional dependency, and growing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from xpnet.cli._errors import Failure

Grey = npt.NDArray[np.float32]
"""Grey values (H, W), 0 black to 1 white; or ink (H, W), 0 none to 1 full."""


def pillow(path: Path) -> Any:
    """Return the module PIL.Image.

    Raises
    ------
    Failure
        If pillow is not installed; names the picture.
    """
    try:
        from PIL import Image
    except ImportError:
        raise Failure(
            f"{path}: pillow, which reads and resizes pictures, is not installed; pip install pillow, or "
            "give a .npy file of the net's size"
        ) from None
    return Image


def resized(image: Grey, height: int, width: int) -> Grey:
    """Return an image (height, width): the mean of the pixels covered when it shrinks, bicubic when it grows.

    Bilinear shrinking would blur beyond the pixels that one new pixel covers. Bicubic growing overshoots at
    edges, so the values are clipped to 0..1.
    """
    from PIL import Image

    for axis, size in enumerate((height, width)):
        method = Image.Resampling.BOX if image.shape[axis] > size else Image.Resampling.BICUBIC
        shape = (size, image.shape[1]) if axis == 0 else (image.shape[0], size)
        image = np.asarray(Image.fromarray(image).resize(shape[::-1], method), np.float32)
    return np.clip(image, 0, 1)


def reduced(image: Grey, factor: int) -> Grey:
    """Return the means of blocks of factor x factor pixels; blocks at the end may be smaller."""
    from PIL import Image

    return image if factor == 1 else np.asarray(Image.fromarray(image).reduce(factor), np.float32)


def grown(image: npt.NDArray[Any], pixels: int) -> npt.NDArray[Any]:
    """Return the maximum of each pixel (H, W) and of those up to `pixels` rows and columns away."""
    padded = np.pad(image, pixels)
    for axis, size in enumerate(image.shape):
        padded = np.maximum.reduce([np.take(padded, range(i, i + size), axis) for i in range(2 * pixels + 1)])
    return padded
