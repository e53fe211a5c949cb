"""What a contestant must be able to do; each backend of xpnet is one, and each rival."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from xpnet.bench.case import Case, Data, Floats, Weights


class DoesNotApplyError(ValueError):
    """A contestant cannot play a case, and need not; the message says why."""


class Contestant:
    """One way to train the net of a case.

    The harness holds the clock: it calls `synchronize`, starts it, calls `epoch` and `synchronize`, and stops
    it. Accuracies and distances are computed by the harness, from `weights()`.

    Attributes
    ----------
    packages : tuple of str
        The distributions whose versions are recorded.
    differs : str
        Where its mathematics is not exactly the case's, in words.
    """

    packages: ClassVar[tuple[str, ...]] = ("numpy",)
    differs: ClassVar[str] = ""

    def prepare(self, case: Case, data: Data, weights: Weights) -> None:
        """Put the whole of the data on the device and build the net with the initial weights, copied."""
        raise NotImplementedError

    def epoch(self, number: int, order: npt.NDArray[np.int64]) -> Sequence[float]:
        """Train on the samples in this order, batch by batch.

        Parameters
        ----------
        number : int
            The epoch's; `case.epoch_seed(number)` is the seed that the order was drawn from.
        order : ndarray (n,) int64
            A permutation of the first n samples.

        Returns
        -------
        sequence of float
            The mean loss of every step; where a library keeps those to itself, the epoch's alone.
        """
        raise NotImplementedError

    def synchronize(self) -> None:
        """Wait until the device has done all it was asked to do."""

    def wait_for(self, array: Any) -> None:
        """Wait until an array of this library holds its values."""
        self.synchronize()

    def weights(self) -> Weights:
        """Return `[W1, b1, W2, b2, ...]` as NumPy arrays, W being (inputs, outputs)."""
        raise NotImplementedError

    def last_bias(self) -> Floats:
        """Return the last of `weights()`: the least that one can read of what an epoch writes."""
        return self.weights()[-1]

    def put(self, x: npt.NDArray[Any]) -> Any:
        """Return a NumPy array as an array of this library, on its device."""
        return x

    def fetch(self, array: Any) -> Floats:
        """Return an array of this library as a NumPy array."""
        return np.asarray(array)

    def predict(self, x: Any) -> Any:
        """Return the logits (N, C) of inputs (N, D), both arrays of this library."""
        raise NotImplementedError

    def product(self, a: Any, b: Any) -> Any:
        """Return the matrix product of two arrays of this library, by its vendor's GEMM."""
        return a @ b

    def facts(self) -> dict[str, Any]:
        """Return what else is worth recording: the device, the threads it says it uses."""
        return {}
