"""xpnet's backends as contestants: `net.fit`, as a user calls it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

import xpnet
from xpnet.bench.case import Case, Data, Floats, Weights
from xpnet.bench.contestant import Contestant
from xpnet.bench.tier import allow_tf32


class _Unmeasured(xpnet.nets.MultiLayerNet):
    """A net whose accuracy `fit` does not measure: no other contestant does that in its epoch."""

    def accuracy(self, x: Any, t: Any) -> float:
        """Return NaN; the harness computes everybody's accuracy from the weights."""
        return math.nan


class Ours(Contestant):
    """A backend of xpnet.

    Parameters
    ----------
    backend : str
    engine : str, optional
        What `fit` is told; its own choice by default.
    """

    packages: ClassVar[tuple[str, ...]] = ("xpnet", "numpy", "numba")

    def __init__(self, backend: str, engine: str | None = None) -> None:
        self.backend = xpnet.use(backend)
        self.options: dict[str, Any] = {"engine": engine} if engine is not None else {}

    def prepare(self, case: Case, data: Data, weights: Weights) -> None:
        """Build a MultiLayerNet and give it the weights."""
        if case.tf32:
            allow_tf32()
        self.case = case
        self.x, self.t = self.put(data.x), self.put(data.t)
        self.net = _Unmeasured(case.sizes[0], case.sizes[1:-1], case.sizes[-1], seed=0)
        for name, array in zip(self.net.params, weights, strict=True):
            self.net.params[name] = array
        self.optimizer = xpnet.optimizers.SGD(lr=case.lr)

    def epoch(self, number: int, order: npt.NDArray[np.int64]) -> Sequence[float]:
        """Call `fit`; from the epoch's seed it draws the same order."""
        history = self.net.fit(
            self.x[: len(order)],
            self.t[: len(order)],
            batch_size=self.case.batch,
            optimizer=self.optimizer,
            seed=self.case.epoch_seed(number),
            verbose=False,
            **self.options,
        )
        return history.loss

    def synchronize(self) -> None:
        """Wait for the backend's device."""
        self.backend.synchronize()

    def weights(self) -> Weights:
        """Copy the net's parameters to the host."""
        return [xpnet.to_numpy(array) for array in self.net.params.values()]

    def last_bias(self) -> Floats:
        """Copy that parameter to the host."""
        return xpnet.to_numpy(list(self.net.params.values())[-1])

    def put(self, x: npt.NDArray[Any]) -> Any:
        """Put an array on the backend's device."""
        return self.backend.asarray(x)

    def fetch(self, array: Any) -> Floats:
        """Copy an array to the host."""
        return xpnet.to_numpy(array)

    def predict(self, x: Any) -> Any:
        """Call `net.predict`."""
        return self.net.predict(x)

    def facts(self) -> dict[str, Any]:
        """Return the device in words."""
        return {"device": self.backend.device()}
