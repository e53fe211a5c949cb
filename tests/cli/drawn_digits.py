"""Digits drawn with a round brush, as a person draws them in a paint program."""

import math

import numpy as np
from PIL import Image, ImageDraw


def _arc(x, y, width, height, start, end):
    """Points of an ellipse's arc; angles in degrees, clockwise from the right."""
    steps = range(25)
    angles = [math.radians(start + (end - start) * step / 24) for step in steps]
    return [(x + width / 2 * math.cos(angle), y + height / 2 * math.sin(angle)) for angle in angles]


# The strokes of each digit, in a box of 1x1; x goes right and y goes down.
STROKES = [
    [_arc(0.5, 0.5, 0.62, 0.96, -80, 282)],
    [[(0.38, 0.18), (0.52, 0.03), (0.5, 0.5), (0.49, 0.97)]],
    [[*_arc(0.47, 0.27, 0.6, 0.5, -165, 35), (0.5, 0.68), (0.18, 0.95), (0.5, 0.93), (0.84, 0.95)]],
    [[*_arc(0.45, 0.25, 0.55, 0.46, -150, 95), *_arc(0.46, 0.71, 0.62, 0.5, -85, 150)]],
    [[(0.3, 0.04), (0.2, 0.5), (0.5, 0.54), (0.82, 0.5)], [(0.66, 0.12), (0.64, 0.5), (0.6, 0.97)]],
    [[(0.3, 0.06), (0.25, 0.44), *_arc(0.46, 0.68, 0.6, 0.52, -110, 150)], [(0.3, 0.06), (0.78, 0.04)]],
    [[(0.62, 0.04), (0.36, 0.3), *_arc(0.5, 0.7, 0.5, 0.5, -180, 180)]],
    [[(0.16, 0.08), (0.5, 0.07), (0.82, 0.06), (0.62, 0.42), (0.4, 0.96)]],
    [[*_arc(0.5, 0.26, 0.44, 0.44, -60, -270), *_arc(0.5, 0.73, 0.54, 0.5, -90, 270), (0.64, 0.08)]],
    [[*_arc(0.48, 0.29, 0.46, 0.48, 0, 360), (0.7, 0.5), (0.62, 0.96)]],
]


def draw_digit(digit, *, size=(280, 280), brush=18, height=200, at=(0.5, 0.5), ground=255, ink=0, mode="L"):
    """Draw a digit on a canvas; its centre is at the fraction `at` of the canvas, without smoothing."""
    picture = Image.new(mode, size, ground)
    pen = ImageDraw.Draw(picture)
    left, top = size[0] * at[0] - height / 2, size[1] * at[1] - height / 2
    for stroke in STROKES[digit]:
        points = [(left + height * x, top + height * y) for x, y in stroke]
        pen.line(points, fill=ink, width=brush)
        for x, y in points if brush > 2 else ():
            pen.ellipse((x - brush / 2, y - brush / 2, x + brush / 2 - 1, y + brush / 2 - 1), fill=ink)
    return picture


def box(image):
    """Return top, left, height and width of the ink."""
    rows, columns = (np.flatnonzero((image > 0.05).any(axis)) for axis in (1, 0))
    return int(rows[0]), int(columns[0]), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
