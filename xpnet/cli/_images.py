"""Image files as rows of numbers 0..1, in the form that a net takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from xpnet.cli.pictures import prepare


def read_images(
    path: Path,
    inputs: int,
    invert: bool | None = None,
    *,
    frame: bool = True,
    input_range: tuple[float, float] = (0, 255),
) -> npt.NDArray[np.float32]:
    """Return the images (N, D) float32 in 0..1 that `xpnet predict` makes of a file.

    The parameters and errors are those of `xpnet.cli.pictures.prepare`.
    """
    return prepare(path, inputs, invert=invert, frame=frame, input_range=input_range).x
