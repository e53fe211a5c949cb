"""Finding the digit: the ink that belongs together, without specks, noise and frames around the picture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xpnet.cli.pictures._pillow import Grey, grown
from xpnet.cli.pictures.ground import SMALL, Ink, border

Mask = npt.NDArray[np.bool_]

_LEAST_CONTRAST = 0.06
"""Fainter ink, in grey values of 0..1, is taken for none."""

_LEAST_SIGNAL = 8.0
"""Ink below this many standard deviations of the ground is noise."""

_LEAST_SIZE, _LEAST_SHARE = 5, 0.01
"""A digit's longer side, in pixels, and as a part of the picture's."""

_GRID = 128
"""Connected parts are sought on a grid of at most so many cells a side: gaps below a cell are bridged."""

_MAIN_PART = 0.25
"""A picture whose largest part has no more than this share of the ink holds specks, and no digit."""

_PART = 0.2
"""A part with this share of the largest part's ink belongs to the digit wherever it is."""

_NEAR_PART, _NEAR = 0.01, 0.1
"""A smaller part belongs to it above this share, if it is nearer than this part of the digit's size."""


class Digit(NamedTuple):
    """What was found in a picture.

    Attributes
    ----------
    amount : array (H, W) float32
        The ink within the box, 0 none to 1 full.
    top, left : int
        The box's corner in the picture.
    """

    amount: Grey
    top: int
    left: int


def find_digit(ink: Ink) -> Digit | str:
    """Find the digit in a picture's ink, or say why there is none."""
    most = float(ink.amount.max(initial=0))
    if most < _LEAST_CONTRAST:
        return "all its pixels are of about one grey"
    full = float(np.quantile(ink.amount[ink.amount > most / 2], 0.9))
    strong = ink.amount > full / 2
    noise = _noise(ink.amount, strong)
    if full < _LEAST_SIGNAL * noise or not _has_strokes(ink.amount, full):
        return "its pixels differ by noise alone"
    # Five standard deviations keep the noise out; 0.15 keeps out what JPEG adds around strokes.
    low = min(max(0.15 * full, 5 * noise), 0.5 * full)
    kept = _parts_of_the_digit(ink.amount, low, full / 2)
    if kept is None:
        return "it holds specks or a border and no stroke"
    rows, columns = (np.flatnonzero(((ink.amount > low) & kept).any(axis)) for axis in (1, 0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    amount = np.where(kept, np.clip(ink.amount / np.float32(full), 0, 1), 0)[box]
    if max(amount.shape) < max(_LEAST_SIZE, _LEAST_SHARE * max(ink.amount.shape)):
        return "it holds a speck and no stroke"
    return Digit(amount.astype(np.float32), int(rows[0]), int(columns[0]))


def _noise(amount: Grey, strong: Mask) -> float:
    """Return the standard deviation of the noise on the ground, from the differences of neighbours.

    The soft edge of a stroke differs little from pixel to pixel, and noise does. In a small picture there is
    nothing but edges: 0.
    """
    away = ~grown(strong, 2)
    pairs = away[:, 1:] & away[:, :-1]
    if amount.size < SMALL or not pairs.any():
        return 0.0
    return float(np.sqrt(np.mean(np.diff(amount, axis=1)[pairs] ** 2) / 2))


def _has_strokes(amount: Grey, full: float) -> bool:
    """Return whether most strong pixels have two inked neighbours, as even the thinnest line has."""
    strong = amount > full / 2
    # A reduced picture of a thin line is fainter where the line lies in two pixels.
    inked = strong if amount.size < SMALL else amount > 0.4 * full
    counts = np.pad(inked, 1).astype(np.int8)
    for axis, size in enumerate(inked.shape):
        before, here, after = (np.take(counts, range(i, i + size), axis) for i in range(3))
        counts = before + here + after
    return bool(np.mean(counts[strong] > 2) > 0.5)


def _parts_of_the_digit(amount: Grey, low: float, high: float) -> Mask | None:
    """Return where (H, W) the digit's ink may lie; None if no part stands out from the others."""
    cell = -(-max(amount.shape) // _GRID)
    rows, columns = (np.arange(0, size, cell) for size in amount.shape)
    greatest = np.maximum.reduceat(np.maximum.reduceat(amount, rows), columns, axis=1)
    mass = np.add.reduceat(np.add.reduceat(np.where(amount > low, amount, 0), rows), columns, axis=1)
    labels = _labelled(greatest > low)
    count = labels.max() + 1
    strong = np.zeros(count, np.bool_)
    strong[labels[greatest > high]] = True
    strong[0] = False
    masses = np.bincount(labels.ravel(), mass.ravel(), count).astype(np.float64) * strong
    masses[_around_the_picture(labels, masses)] = 0
    if masses.max() <= _MAIN_PART * masses.sum():
        return None
    kept = _with_neighbours(labels, masses)
    # A cell more: the faint edge of a stroke.
    kept = grown(kept, 1)
    return np.repeat(np.repeat(kept, cell, 0), cell, 1)[: amount.shape[0], : amount.shape[1]]


def _labelled(mask: Mask) -> npt.NDArray[np.intp]:
    """Return the numbers of a mask's connected parts, diagonals included, from 1; 0 elsewhere."""
    labels = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.intp)
    width = labels.shape[1]
    flat = labels.ravel()
    open_cells = np.pad(mask, 1).ravel()
    steps = (-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1)
    label = 0
    for start in np.flatnonzero(open_cells):
        if not open_cells[start]:
            continue
        label += 1
        open_cells[start] = False
        front = [int(start)]
        while front:
            cell = front.pop()
            flat[cell] = label
            for step in steps:
                if open_cells[cell + step]:
                    open_cells[cell + step] = False
                    front.append(cell + step)
    return labels[1:-1, 1:-1]


def _around_the_picture(labels: npt.NDArray[np.intp], masses: npt.NDArray[np.float64]) -> list[int]:
    """Return the parts that are a border: they begin there, span a side and stay in a band.

    A part that spans one side only may be a 1 that is drawn there, if nothing else is.
    """
    near = np.unique(labels[border(labels.shape, 0.03)])
    found = []
    for label in near[masses[near] > 0]:
        part = labels == label
        spans = sorted(float(part.any(axis).mean()) for axis in (0, 1))
        alone = masses[label] == masses.sum()
        in_band = part[~border(part.shape)].sum() < 0.05 * part.sum()
        if in_band and spans[0 if alone else 1] > 0.9:
            found.append(int(label))
    return found


def _with_neighbours(labels: npt.NDArray[np.intp], masses: npt.NDArray[np.float64]) -> Mask:
    kept = np.isin(labels, np.flatnonzero(masses >= _PART * masses.max()))
    size = max(np.ptp(np.flatnonzero(kept.any(axis))) + 1 for axis in (0, 1))
    near = np.unique(labels[grown(kept, max(1, round(_NEAR * float(size))))])
    smaller = [label for label in near if masses[label] >= _NEAR_PART * masses.max()]
    return kept | np.isin(labels, smaller)
