"""What every contestant is given: the net, the data, the initial weights and the order of the samples."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from xpnet.nets._initial import affine_arrays, weight_scale

Floats = npt.NDArray[np.floating[Any]]
Weights = list[Floats]
"""`[W1, b1, W2, b2, ...]`, W being (inputs, outputs)."""


class Data(NamedTuple):
    """Samples that every contestant keeps whole in its device's memory.

    Attributes
    ----------
    x, x_test : ndarray (N, D) float32
    t, t_test : ndarray (N,) int64
    """

    x: npt.NDArray[np.float32]
    t: npt.NDArray[np.int64]
    x_test: npt.NDArray[np.float32]
    t_test: npt.NDArray[np.int64]

    def first(self, samples: int | None) -> Data:
        """Return the first `samples` of the training part, and the whole test part."""
        return self._replace(x=self.x[:samples], t=self.t[:samples])

    def without_zeros(self) -> Data:
        """Return the same with a tenth in every place of the inputs that is 0."""
        x, x_test = (np.where(x == 0, x.dtype.type(0.1), x) for x in (self.x, self.x_test))
        return self._replace(x=x, x_test=x_test)


@dataclass(frozen=True)
class Case:
    """One net and the way it is trained: SGD on mean softmax cross-entropy, ReLU between the layers, float32.

    Parameters
    ----------
    sizes : tuple of int
        D, the hidden widths, C.
    batch : int
        The last batch of an epoch is smaller where the samples do not divide.
    lr : float, optional
        Learning rate.
    seed : int, optional
        Of the initial weights and of the order of the samples.
    samples : int or None, optional
        How many training samples an epoch visits; None for all.
    tf32 : bool, optional
        Whether matrix products take TF32 on a GPU: float32 with 10 bits of each factor's fraction, not 23.
    no_zeros : bool, optional
        Whether the data are those of `Data.without_zeros`: products with an input that is 0 can be left out.
    """

    sizes: tuple[int, ...]
    batch: int
    lr: float = 0.1
    seed: int = 0
    samples: int | None = None
    tf32: bool = False
    no_zeros: bool = False

    def __str__(self) -> str:
        more = [word for said, word in ((self.tf32, "TF32"), (self.no_zeros, "no zeros")) if said]
        return ", ".join([self.net, f"batch {self.batch}", *more])

    @property
    def net(self) -> str:
        """The widths in words, e.g. `784-50-10`."""
        return "-".join(map(str, self.sizes))

    @property
    def layers(self) -> list[tuple[int, int]]:
        """Inputs and outputs of each Affine."""
        return list(itertools.pairwise(self.sizes))

    def weights(self) -> Weights:
        """Draw the initial weights as xpnet's MultiLayerNet draws them from the seed (He's rule), float32."""
        draw = np.random.default_rng(self.seed)
        arrays: list[Any] = []
        for inputs, outputs in self.layers:
            arrays += affine_arrays(draw, inputs, outputs, weight_scale("he", inputs))
        return [np.ascontiguousarray(array, dtype=np.float32) for array in arrays]

    def epoch_seed(self, number: int) -> int:
        """Return the seed of the order in which epoch `number` visits the samples."""
        return 1_000_003 * (self.seed + 1) + number

    def order(self, number: int, samples: int) -> npt.NDArray[np.int64]:
        """Return the order of the samples in epoch `number`, as `fit` draws it from `epoch_seed`."""
        return np.random.default_rng(self.epoch_seed(number)).permutation(samples)

    def steps(self, samples: int) -> int:
        """Return how many steps an epoch has."""
        return -(-samples // self.batch)

    def flops(self, samples: int) -> float:
        """Return the multiplications and additions of an epoch's matrix products.

        Forward x W and backward xᵀ dy for each layer, dy Wᵀ for each but the first: nobody needs the
        gradient of the pixels.
        """
        products = [inputs * outputs for inputs, outputs in self.layers]
        return 2.0 * samples * (2 * sum(products) + sum(products[1:]))

    def bytes(self, samples: int) -> float:
        """Return the bytes that must be read from memory in an epoch: each sample once, in float32.

        Weights and activations may stay in the caches, so they do not count.
        """
        return 4.0 * samples * self.sizes[0]


def accuracy(weights: Sequence[Floats], x: Floats, t: npt.NDArray[np.int64]) -> float:
    """Return the share of samples that these weights classify rightly, computed by no contestant."""
    return float(np.mean(np.argmax(logits(weights, x), axis=1) == t))


def logits(weights: Sequence[Floats], x: Floats) -> Floats:
    """Return the net's output (N, C) for inputs (N, D), in the arrays' own precision."""
    last = len(weights) // 2 - 1
    for layer, (W, b) in enumerate(zip(weights[::2], weights[1::2], strict=True)):
        x = x @ W + b
        if layer < last:
            x = np.maximum(x, 0)
    return x
