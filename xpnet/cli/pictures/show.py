"""A prepared picture as text in the terminal."""

from __future__ import annotations

import numpy as np

from xpnet.cli.pictures._pillow import Grey

# Five shades; the frame's lines across and down; its upper and its lower corners.
_BLOCKS = (" ", "░", "▒", "▓", "█"), ("─", "│"), ("┌", "┐"), ("└", "┘")
_PLAIN = (" ", ".", "+", "#", "@"), ("-", "|"), ("+", "+"), ("+", "+")


def as_blocks(image: Grey, encoding: str | None = None) -> str:
    """Return an image (H, W) in 0..1 as H lines of 2 W characters, framed by a line.

    Two characters make a pixel about square. Where the encoding has no block characters, plain ones are
    taken.
    """
    shades, (line, side), top, bottom = _BLOCKS
    try:
        "".join((*shades, line, side, *top, *bottom)).encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        shades, (line, side), top, bottom = _PLAIN
    levels = np.rint(np.clip(image, 0, 1) * (len(shades) - 1)).astype(int)
    rows = [side + "".join(2 * shades[level] for level in row) + side for row in levels]
    bar = 2 * line * image.shape[1]
    return "\n".join([top[0] + bar + top[1], *rows, bottom[0] + bar + bottom[1]])
