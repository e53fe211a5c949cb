"""Image files as rows of numbers 0..1, in the size that a net takes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from xpnet.cli._errors import Failure

Images = npt.NDArray[np.float32]

_FORMATS = ("PNG", "JPEG")


def read_images(path: Path, inputs: int, invert: bool = False) -> Images:
    """Read one image, or a batch from a .npy file.

    Parameters
    ----------
    path : Path
    inputs : int
        D, the numbers that the net takes for one image.
    invert : bool, optional
        Whether to swap dark and light.

    Returns
    -------
    array (N, D) float32 in 0..1

    Raises
    ------
    Failure
        If the file is no image or does not fit the net; names the file.
    OSError
        If it cannot be read.
    """
    is_array = path.suffix.lower() == ".npy"
    images = _grey_arrays(path, inputs) if is_array else _grey_picture(path)[None]
    if invert:
        images = 1 - images
    if math.prod(images.shape[1:]) != inputs:
        images = _resized(path, images, inputs)
    return np.ascontiguousarray(images.reshape(len(images), inputs), np.float32)


def _grey_arrays(path: Path, inputs: int) -> Images:
    """Return a .npy file's images (N, ...), of the net's size or square."""
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError):  # NumPy's own words advise to load it unsafely
        raise Failure(f"{path} is no whole .npy file of numbers; write it with numpy.save") from None
    if not isinstance(array, np.ndarray) or array.size == 0:
        raise Failure(f"{path} holds no image; save an array of them with numpy.save")
    scaled = _scaled(path, array)
    if array.size == inputs:
        return scaled.reshape(1, -1)
    if array.ndim > 1 and math.prod(array.shape[1:]) == inputs:
        return scaled
    if array.ndim == 4 and array.shape[1] == 1:
        scaled = scaled[:, 0]
    if scaled.ndim in (2, 3) and scaled.shape[-1] == scaled.shape[-2]:
        return scaled if scaled.ndim == 3 else scaled[None]
    raise Failure(
        f"{path} has the shape {array.shape}, but the net takes {inputs} numbers for an image; give "
        f"({inputs},), (N, {inputs}), or square images (H, H) or (N, H, H)"
    )


def _scaled(path: Path, array: npt.NDArray[Any]) -> Images:
    if array.dtype in (np.uint8, np.bool_):
        return array.astype(np.float32) / np.float32(255 if array.dtype == np.uint8 else 1)
    if array.dtype.kind != "f":
        raise Failure(f"{path} holds {array.dtype}; save uint8 in 0..255 or floats in 0..1")
    if not (array.min() >= 0 and array.max() <= 1):
        raise Failure(
            f"{path} holds floats from {array.min():g} to {array.max():g}; scale them to 0..1, or save "
            "uint8 in 0..255"
        )
    return array.astype(np.float32)


def _grey_picture(path: Path) -> Images:
    """Return a picture's grey (H, W) in 0..1, transparent parts white."""
    image_module = _pillow(path)
    try:
        with image_module.open(path, formats=_FORMATS) as picture:
            if picture.mode.startswith("I"):  # 16 bits: convert("L") would clip and not scale
                return np.asarray(picture, np.float32) / np.float32(65535)
            if picture.mode[-1] in "Aa" or "transparency" in picture.info:
                picture = picture.convert("RGBA")
                white = image_module.new("RGBA", picture.size, "white")
                picture = image_module.alpha_composite(white, picture)
            return np.asarray(picture.convert("L"), np.float32) / np.float32(255)
    except (SyntaxError, ValueError, image_module.DecompressionBombError) as error:
        # What pillow raises for a damaged file, besides OSError.
        raise Failure(f"{path} is no whole picture ({error})") from None
    except OSError as error:
        raise Failure(f"{path} cannot be read as PNG or JPEG: {error.strerror or error}") from None


def _resized(path: Path, images: Images, inputs: int) -> Images:
    """Bring images (N, H, W) to the net's square, on a dark ground where they are not square."""
    side = math.isqrt(inputs)
    if side * side != inputs:
        raise Failure(
            f"{path} has {images.shape[1]}x{images.shape[2]} pixels, but the net takes {inputs} numbers, "
            "which is no square to resize to; give a .npy file of that many numbers"
        )
    image_module = _pillow(path)
    from PIL import ImageOps

    # Shrinking takes the mean of what a pixel covers; bilinear would blur beyond it.
    shrinks = max(images.shape[1:]) > side
    method = image_module.Resampling.BOX if shrinks else image_module.Resampling.BILINEAR
    return np.stack(
        [
            np.asarray(ImageOps.pad(image_module.fromarray(image), (side, side), method), np.float32)
            for image in images
        ]
    )


def _pillow(path: Path) -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise Failure(
            f"{path}: pillow, which reads and resizes pictures, is not installed; pip install pillow, or "
            "give a .npy file of the net's size"
        ) from None
    return Image
