"""What is trained on: MNIST where this machine has it, else samples made up in its shape."""

from __future__ import annotations

import numpy as np

import xpnet
from xpnet.bench.case import Data

MNIST, MADE_UP, DIGITS = "MNIST", "made-up samples of MNIST's shape", "the built-in digits"


def load(dry: bool = False) -> tuple[str, Data]:
    """Return the name of the data, and the data; nothing is downloaded."""
    if dry:
        train, test = xpnet.datasets.digits()
        return DIGITS, _contiguous(_as_pixels(train), _as_pixels(test))
    if any(entry.present for entry in xpnet.datasets.catalog() if entry.name == "mnist"):
        train, test = xpnet.datasets.mnist()
        return MNIST, _contiguous(train, test)
    return MADE_UP, made_up()


def _contiguous(train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]) -> Data:
    return Data(*(np.ascontiguousarray(array) for array in (*train, *test)))


def _as_pixels(part: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Round the 17 levels of the digits to 256ths, as pixels have them."""
    x, t = part
    return np.rint(x * 255).astype(np.float32) / np.float32(255), t


def made_up(samples: int = 60_000, tests: int = 10_000, features: int = 784, classes: int = 10) -> Data:
    """Return samples of ten kinds, pixels mostly 0 as MNIST's are, scaled to 0..1; always the same ones.

    A sample is the pattern of its class with half of its pixels taken from another class's pattern or erased.
    """
    draw = np.random.default_rng(0)
    patterns = draw.integers(1, 256, (classes, features), dtype=np.uint8)
    patterns[draw.random((classes, features)) < 0.7] = 0
    t = draw.integers(0, classes, samples + tests)
    other = draw.integers(0, classes + 1, samples + tests)
    patterns = np.concatenate([patterns, np.zeros((1, features), np.uint8)])
    x = np.where(
        draw.random((samples + tests, features), dtype=np.float32) < 0.5, patterns[t], patterns[other]
    )
    scaled = x.astype(np.float32) / np.float32(255)
    return Data(scaled[:samples], t[:samples], scaled[samples:], t[samples:])
