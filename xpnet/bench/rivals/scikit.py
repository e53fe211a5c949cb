"""scikit-learn: `MLPClassifier` with plain SGD, one `partial_fit` an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.neural_network import MLPClassifier

from xpnet.bench.case import Case, Data, Floats, Weights
from xpnet.bench.contestant import Contestant


class ScikitLearn(Contestant):
    """scikit-learn on the CPU."""

    packages: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy")
    differs: ClassVar[str] = (
        "its own shuffling is replaced by rows handed over in the common order; it reports the mean loss of "
        "an epoch, not of each step; its inference, predict_proba, ends in a softmax"
    )

    def prepare(self, case: Case, data: Data, weights: Weights) -> None:
        """Build the classifier on a first batch, then give it the weights."""
        self.x, self.t = data.x, data.t
        self.net = MLPClassifier(
            hidden_layer_sizes=case.sizes[1:-1],
            activation="relu",
            solver="sgd",
            alpha=0.0,
            momentum=0.0,
            nesterovs_momentum=False,
            learning_rate_init=case.lr,
            batch_size=case.batch,
            shuffle=False,
        )
        self.net.partial_fit(self.x[: case.batch], self.t[: case.batch], classes=np.arange(case.sizes[-1]))
        for mine, given in zip(self.net.coefs_, weights[::2], strict=True):
            mine[...] = given
        for mine, given in zip(self.net.intercepts_, weights[1::2], strict=True):
            mine[...] = given

    def epoch(self, number: int, order: npt.NDArray[np.int64]) -> Sequence[float]:
        """Call `partial_fit` on the rows in this order: one pass, batch by batch."""
        self.net.partial_fit(self.x[order], self.t[order])
        return [float(self.net.loss_)]

    def weights(self) -> Weights:
        """Return the coefficients and the intercepts."""
        pairs = zip(self.net.coefs_, self.net.intercepts_, strict=True)
        return [array for pair in pairs for array in pair]

    def predict(self, x: Any) -> Any:
        """Return probabilities: scikit-learn has no public way to the logits."""
        return self.net.predict_proba(x)

    def fetch(self, array: Any) -> Floats:
        """Return logits that give these probabilities."""
        kept: Floats = np.log(np.maximum(array, np.finfo(np.float32).tiny))
        return kept

    def facts(self) -> dict[str, Any]:
        """Return the precision it works in."""
        return {"device": "CPU", "dtype": str(self.net.coefs_[0].dtype)}
