"""Give images and labels the form a net wants: scaled, flat, one-hot, as asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from xpnet.datasets._types import Split
from xpnet_kernels._arrays import aligned_empty


def present(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.uint8],
    *,
    input_range: tuple[int, int],
    classes: int,
    normalize: bool,
    flatten: bool,
    one_hot: bool,
) -> Split:
    """Scale, flatten and encode one part of a data set.

    Parameters
    ----------
    images : ndarray
        (N, C, H, W) uint8.
    labels : ndarray
        (N,) uint8, each below `classes`.
    input_range : (int, int)
        The pixel values that become 0 and 1.
    classes : int
        The width of a one-hot label.
    normalize, flatten, one_hot : bool
        As the loaders say.

    Returns
    -------
    Split
        x (N, C*H*W) or (N, C, H, W), float32 or uint8; t (N,) int64 or (N, classes) float32.
    """
    x: npt.NDArray[Any] = images.reshape(len(images), int(np.prod(images.shape[1:]))) if flatten else images
    if normalize:
        x = min_max_scaled(x, input_range)
    return Split(x, one_hot_labels(labels, classes) if one_hot else labels.astype(np.int64))


def pixel_range(images: npt.NDArray[np.uint8]) -> tuple[int, int]:
    """Return the smallest and the largest pixel; where they agree, the second is one larger."""
    low = int(images.min())
    return low, max(int(images.max()), low + 1)


def min_max_scaled(x: npt.NDArray[np.uint8], input_range: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Return ``(x - low) / (high - low)`` as float32, C-contiguous."""
    low, high = input_range
    # NumPy casts in small blocks when the output's dtype is given, so the only new memory is the result.
    scaled: npt.NDArray[np.float32] = aligned_empty(x.shape, np.float32)
    np.subtract(x, np.float32(low), out=scaled, dtype=np.float32)
    scaled /= np.float32(high - low)
    return scaled


def one_hot_labels(labels: npt.NDArray[np.uint8], classes: int) -> npt.NDArray[np.float32]:
    """Return (N, classes) float32 with a one in column ``labels[i]`` of row i."""
    encoded = np.zeros((len(labels), classes), np.float32)
    encoded[np.arange(len(labels)), labels] = 1
    return encoded
