"""Frames: where a digit lies in the pictures that a net was trained on, and how large it is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from xpnet.cli.pictures._pillow import Grey, grown, resized

_FULL = 0.8
"""The largest value of a picture in a frame is at least this: 0.99 in MNIST, 0.87 in the digits."""


class Frame(NamedTuple):
    """The form of the pictures in a data set of digits.

    Attributes
    ----------
    name : str
        The data set.
    side : int
        Pixels in a row and in a column.
    height, width : int
        The largest box of ink, in fine pixels.
    fine : int
        Fine pixels per pixel and direction; a pixel is the mean of fine x fine.
    by_mass : bool
        True: the centre of mass lies in the middle, and the longer side of the box is full. False: the box's
        middle does, and its height is full.
    least_ink : float
        The mean of the whole picture below which strokes are thickened.
    """

    name: str
    side: int
    height: int
    width: int
    fine: int = 1
    by_mass: bool = True
    least_ink: float = 0.0

    def holds(self, image: Grey) -> bool:
        """Return whether an image (side, side) in 0..1, light on dark, is in this form already."""
        if image.max() < _FULL:
            return False
        _, left, height, width = _box(image)
        if not self.by_mass:
            return height == self.side and abs(left + width / 2 - self.side / 2) <= 1.5
        full = max(self.height, self.width)
        off = max(abs(centre - (self.side + 1) / 2) for centre in _centre_of_mass(image))
        return full - 1 <= max(height, width) <= full and off <= 1

    def is_filled(self, image: Grey) -> bool:
        """Return whether the ink of an image (side, side), light on dark, goes from border to border.

        So do 99.7 % of Fashion-MNIST's images, whose longer side fills the square; digits have a margin.
        """
        _, _, height, width = _box(image, 0.02)
        on_black = image.min() < 0.02 and image.max() > 0.3
        return bool(on_black and max(height, width) >= self.side - 1)

    def place(self, ink: Grey) -> tuple[Grey, tuple[int, int]]:
        """Put ink (H, W), cut to its box, into an empty picture.

        Returns
        -------
        image : array (side, side) float32 in 0..1
            Its largest value is 1.
        size : tuple of int
            The box's height and width, in pixels of `image`, rounded up.
        """
        scaled = self._thickened(ink) if self.least_ink else resized(ink, *self._size(ink))
        image = self._put(scaled)
        return image / image.max(), (-(-scaled.shape[0] // self.fine), -(-scaled.shape[1] // self.fine))

    def _size(self, ink: Grey) -> tuple[int, int]:
        """Return the height and width that a box of ink is scaled to, in fine pixels."""
        height, width = ink.shape
        if self.by_mass:
            scale = min(self.height / height, self.width / width)
            return max(1, round(scale * height)), max(1, round(scale * width))
        # Proportions are kept up to the largest width; a short digit is made narrower.
        return self.height, max(1, min(self.width, round(self.height * width / height)))

    def _put(self, scaled: Grey) -> Grey:
        size = self.side * self.fine
        centres = _centre_of_mass(scaled) if self.by_mass else [length / 2 for length in scaled.shape]
        middle = (size + 1) / 2 if self.by_mass else size / 2
        top, left = (
            min(max(round(middle - centre), 0), size - length)
            for centre, length in zip(centres, scaled.shape, strict=True)
        )
        canvas = np.zeros((size, size), np.float32)
        canvas[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
        image: Grey = canvas.reshape(self.side, self.fine, self.side, self.fine).mean((1, 3))
        return image

    def _thickened(self, ink: Grey) -> Grey:
        """Return ink scaled to its size, its strokes grown until the picture holds `least_ink`."""
        height, width = self._size(ink)
        # At twice the size a step is half a fine pixel on each side of a stroke.
        drawn = resized(ink, 2 * height, 2 * width)
        drawn /= drawn.max()
        while True:
            scaled = resized(drawn, *self._size(drawn))
            if self._put(scaled).mean() >= self.least_ink or drawn.min() > 0.5:
                return scaled
            drawn = grown(np.pad(drawn, 1), 1)


MNIST = Frame("MNIST", side=28, height=20, width=20)
"""Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE 86 (11), 1998, section III.A: digits "were size normalized to fit in a 20x20 pixel box
while preserving their aspect ratio", then "centered in a 28x28 image by computing the center of mass of the
pixels, and translating the image so as to position this point at the center". In all 70,000 images the centre
of mass lies at 14..15 pixels from the top and from the left, in the mean at 14.5."""

DIGITS = Frame("digits", side=8, height=32, width=20, fine=4, by_mass=False, least_ink=0.28)
"""The UCI digits: a pixel counts the ink in 4x4 pixels of a bitmap of 32x32. Measured on the 1,797 images:
the ink touches the first and the last row in all of them, and it lies in columns 1..6 of 0..7 in 77 %, of
which the outer two are about half full: 20 of 32 pixels, in the middle. The share of ink is 0.306 with a
standard deviation of 0.034, the same for all ten digits: the strokes had been brought to one width. The least
ink is the mean less 0.75 standard deviations."""

_FRAMES = {frame.side**2: frame for frame in (MNIST, DIGITS)}


def frame_for(inputs: int) -> Frame | None:
    """Return the frame of a net that takes D inputs; None where no data set of digits has that size."""
    return _FRAMES.get(inputs)


def _box(image: Grey, faint: float = 0.06) -> tuple[int, int, int, int]:
    """Return top, left, height and width of the ink; a value below this part of the most is none."""
    mask = image > faint * image.max()
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if not rows.size:
        return 0, 0, 0, 0
    return int(rows[0]), int(columns[0]), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def _centre_of_mass(image: Grey) -> list[float]:
    """Return the distances of the centre of mass from the top and the left edge."""
    total = float(image.sum())
    return [
        float(image.sum(axis) @ (np.arange(image.shape[1 - axis]) + 0.5)) / total if total else 0.0
        for axis in (1, 0)
    ]
