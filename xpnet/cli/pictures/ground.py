"""Ground and ink: which grey values of a picture are paper, and how much ink lies on each pixel."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xpnet.cli.pictures._pillow import Grey
from xpnet.cli.pictures.read import Picture

_PLAIN, _PURE = 0.35, 0.2
"""On a plain ground this part of the pixels, or more, has about the same grey value. Less will do where that
is black or white: photos seldom reach either."""

_DARKEST = 0.1
"""Paper darker than this is taken for this: the noise of black parts would be ink."""

SMALL = 64 * 64
"""A picture of fewer pixels is too small for noise and shadows to be told from its strokes."""


class Ink(NamedTuple):
    """The ink of a picture.

    Attributes
    ----------
    amount : array (H, W) float32
        The difference from the ground, in grey values: above 0 towards the ink; around 0 where there is none.
    dark : bool
        Whether the ink is darker than the ground.
    uneven : bool
        Whether the ground is not plain, as in a photo, and was levelled.
    """

    amount: Grey
    dark: bool
    uneven: bool


def separate(grey: Grey, plain: bool, dark: bool | None = None) -> Ink:
    """Separate the ink from the ground.

    Parameters
    ----------
    grey : array (H, W) float32
    plain : bool
        Whether the ground has one grey value; else it is levelled.
    dark : bool, optional
        Whether the ink is darker than the ground; by default whatever covers more of the border and of the
        picture is the ground.
    """
    if not plain:
        return _level(grey, dark)
    split = _otsu(grey)
    if dark is None:
        dark = _is_ground(grey > split)
    side = grey[(grey > split) == dark]
    ground = _most_common(side if side.size else grey)[0]
    amount = ground - grey if dark else grey - ground
    return Ink(amount.astype(np.float32), dark, uneven=False)


def is_plain(grey: Grey) -> bool:
    """Return whether a picture has a plain ground, as a drawing or a scan has; a photo has not.

    A picture too small to tell counts as plain.
    """
    if grey.size < SMALL:
        return True
    ground, share = _most_common(grey)
    return share >= (_PURE if ground in (0, 1) else _PLAIN)


def flattened(picture: Picture) -> Grey:
    """Return the grey values with paper behind the transparent parts, so that the ink stands out.

    Where the border is mostly transparent, the paper is white behind dark ink and black behind light ink.
    Where the border is opaque, the transparent parts continue its ground.
    """
    if picture.opacity is None:
        return picture.grey
    opacity, band = picture.opacity, border(picture.grey.shape)
    if np.median(opacity[band]) < 0.5:
        ink = np.average(picture.grey, weights=opacity) if opacity.any() else 0.0
        return picture.on(1.0 if ink < 0.5 else 0.0)
    return picture.on(float(np.median(picture.grey[band & (opacity > 0.5)])))


def has_dark_ink(grey: Grey) -> bool:
    """Return whether the ink of a picture with an even ground is darker than the ground."""
    return _is_ground(grey > _otsu(grey))


def border(shape: tuple[int, ...], part: float = 0.1) -> npt.NDArray[np.bool_]:
    """Return the mask (H, W) of a band along the border, as wide as this part of each side.

    A band, not the outermost pixels: a paint program's thin line around the picture is not the ground.
    """
    height, width = shape
    rows, columns = (max(1, round(part * size)) for size in (height, width))
    band = np.ones(shape, np.bool_)
    band[rows : height - rows, columns : width - columns] = False
    return band


def _most_common(grey: Grey) -> tuple[float, float]:
    """Return the most common grey value, and the part of the pixels within 2/256 of it."""
    counts = np.histogram(grey, 256, (0, 1))[0]
    centre = np.convolve(counts, np.ones(5), "same").argmax()
    alike = grey[np.abs(grey * 256 - (centre + 0.5)) <= 2.5]
    return float(np.median(alike)), alike.size / grey.size


def _is_ground(mask: npt.NDArray[np.bool_]) -> bool:
    """Return whether a mask covers more than half of the picture and of its border band, taken together."""
    return bool(mask.mean() + mask[border(mask.shape)].mean() > 1)


def _otsu(grey: Grey) -> float:
    """Return the grey value that separates dark from light with the least variance within both.

    N. Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions on Systems, Man, and
    Cybernetics 9 (1), 1979.
    """
    counts, edges = np.histogram(grey, 256, (0, 1))
    centres = (edges[1:] + edges[:-1]) / 2
    below, total = counts.cumsum(), (counts * centres).cumsum()
    above = grey.size - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (total / below - (total[-1] - total) / above) ** 2
    between = np.nan_to_num(between)
    # Grey values that do not occur leave the variance as it is: the middle of the gap between both parts.
    best = np.flatnonzero(between >= between.max() * (1 - 1e-9))
    return float(edges[1:][best].mean())


def _level(grey: Grey, dark: bool | None) -> Ink:
    """Separate ink from an uneven ground: what a closing (or an opening) of half the picture's size fills.

    J. Serra, Image Analysis and Mathematical Morphology, 1982: the top-hat transformation. Shades and edges
    of shadows that are wider than the window stay in the ground.
    """
    size = max(3, max(grey.shape) // 2)
    if dark is None:
        # The ink is the smaller part, so the longer tail of the differences from the local mean.
        dark = bool(np.mean((grey - _over_windows(grey, size, _mean)) ** 3) < 0)
    order = (_greatest, _least) if dark else (_least, _greatest)
    ground = _over_windows(grey, size, *order)
    # Dark ink takes a part of the light that falls on it, so it is fainter in a shadow.
    amount = (ground - grey) / np.maximum(ground, _DARKEST) if dark else grey - ground
    return Ink((amount - np.median(amount)).astype(np.float32), dark, uneven=True)


def _over_windows(grey: Grey, size: int, *functions: Callable[[Grey, int], Grey]) -> Grey:
    """Apply functions of runs of rows, in turn, to windows of size x size; the border goes on outside."""
    outside = len(functions) * (size - 1)
    grey = np.pad(grey, (outside // 2, outside - outside // 2), mode="edge")
    for function in functions:
        grey = function(function(grey, size).T, size).T
    return grey


def _mean(rows: Grey, size: int) -> Grey:
    sums = np.cumsum(np.pad(rows, ((1, 0), (0, 0))), axis=0, dtype=np.float64)
    return ((sums[size:] - sums[:-size]) / size).astype(np.float32)


def _greatest(rows: Grey, size: int) -> Grey:
    """Return the maximum of each run of `size` rows, by doubling."""
    length = 1
    while 2 * length <= size:
        rows = np.maximum(rows[:-length], rows[length:])
        length *= 2
    return np.maximum(rows[: len(rows) - (size - length)], rows[size - length :])


def _least(rows: Grey, size: int) -> Grey:
    return -_greatest(-rows, size)
