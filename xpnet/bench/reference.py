"""The yardstick of the mathematics: the same training in plain array calls, in float64 and in float32.

The float64 run is what a contestant's losses and weights are compared with. The float32 run of the same
formulas measures how far rounding alone carries a net away from it, and so how close a contestant must stay.
NumPy computes both, or CuPy where wide nets are compared on a GPU: there a processor would take minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from xpnet._backends import to_numpy
from xpnet.bench.case import Case, Data, Floats, Weights
from xpnet_kernels._arrays import namespace

ALLOWED = 20.0
"""How many times further than our own float32 run a contestant may be from the float64 run."""

TIGHTEST_LOSS, TIGHTEST_WEIGHT = 1e-3, 5e-3
"""The limits are never tighter: where rounding turns one ReLU of one sample, a step changes by a thousandth.

One update left out of thirty is a distance of about 0.03 in the weights.
"""

LOOSEST = 0.1
"""Where 20 times the rounding is more than this, the comparison would say little, and is not made.

ReLUs turn at other steps once rounding differs, and the runs part within an epoch or two: two honest runs are
then further apart than one of them is from a run that left out a single update of 600. So short epochs are
compared step by step, and whole ones by the number of steps and the mean loss.
"""


class Trained(NamedTuple):
    """What an epoch leaves: the loss of every step, float64, and the weights after it."""

    losses: npt.NDArray[np.float64]
    weights: Weights


@dataclass(frozen=True)
class Expected:
    """What an epoch must come to.

    Attributes
    ----------
    before, after : list of ndarray
        The weights of the float64 run.
    losses : ndarray (steps,) float64
    mean : float
        Loss of a sample in the mean: a smaller last batch counts less.
    loss_limit, weight_limit : float
        The distances allowed, as `loss_distance` and `weight_distance` measure them.
    """

    before: Weights
    after: Weights
    losses: npt.NDArray[np.float64]
    mean: float
    loss_limit: float = TIGHTEST_LOSS
    weight_limit: float = TIGHTEST_WEIGHT

    @property
    def comparable(self) -> bool:
        """Whether rounding leaves enough of the comparison."""
        return max(self.loss_limit, self.weight_limit) <= LOOSEST

    def loss_distance(self, losses: npt.NDArray[np.float64]) -> float:
        """Return the mean distance of the steps' losses, as a share of their mean."""
        return float(np.mean(np.abs(losses - self.losses)) / np.mean(self.losses))

    def mean_distance(self, losses: npt.NDArray[np.float64]) -> float:
        """Return the distance of the epoch's only loss from the mean over the samples, as a share of it."""
        return float(abs(losses[0] / self.mean - 1))

    def weight_distance(self, weights: Sequence[Floats]) -> float:
        """Return the distance of the weights after the epoch, as a share of the way they went in it."""
        return distance(weights, self.after) / max(distance(self.after, self.before), 1e-30)


def distance(left: Sequence[Floats], right: Sequence[Floats]) -> float:
    """Return the Euclidean distance of two sets of weights."""
    return float(np.sqrt(sum(np.sum((a - b) ** 2.0) for a, b in zip(left, right, strict=True))))


def expect(case: Case, data: Data, weights: Weights, number: int, samples: int, xp: Any = np) -> Expected:
    """Train one epoch from `weights` in both precisions; return what it must come to.

    Parameters
    ----------
    weights : list of ndarray
        Before the epoch; they are not changed.
    number : int
        The epoch's, which decides the order of the samples.
    samples : int
        The epoch visits the first so many samples.
    xp : module, optional
        See `train`.
    """
    exact, rounded = (
        train(case, data, weights, number, samples, kind, xp) for kind in (np.float64, np.float32)
    )
    counts = np.diff([*range(0, samples, case.batch), samples])
    mean = float(np.average(exact.losses, weights=counts))
    plain = Expected(weights, exact.weights, exact.losses, mean)
    return Expected(
        weights,
        exact.weights,
        exact.losses,
        mean,
        max(TIGHTEST_LOSS, ALLOWED * plain.loss_distance(rounded.losses)),
        max(TIGHTEST_WEIGHT, ALLOWED * plain.weight_distance(rounded.weights)),
    )


def train(
    case: Case, data: Data, weights: Weights, number: int, samples: int, dtype: Any, xp: Any = np
) -> Trained:
    """Train one epoch in `dtype` on the first `samples` samples; `weights` are not changed.

    Where the case allows TF32, float32 products round their factors to it, as a GPU does.

    Parameters
    ----------
    xp : module, optional
        NumPy, or CuPy, which then computes it on the GPU.
    """
    x, t = xp.asarray(data.x[:samples], dtype=dtype), xp.asarray(data.t[:samples])
    trained = [xp.array(array, dtype=dtype) for array in weights]
    factor = to_tf32 if case.tf32 and dtype == np.float32 else _as_it_is
    order, losses = case.order(number, samples), []
    for start in range(0, samples, case.batch):
        index = xp.asarray(order[start : start + case.batch])
        losses.append(step(trained, x[index], t[index], case.lr, factor))
    return Trained(np.array(losses, np.float64), [to_numpy(array) for array in trained])


def _as_it_is(array: Floats) -> Floats:
    return array


def to_tf32(array: Floats) -> Floats:
    """Round float32 to 10 bits of the fraction, ties away from zero, as tensor cores take their factors."""
    bits = namespace(array).ascontiguousarray(array, dtype=np.float32).view(np.uint32)
    rounded: Floats = ((bits + np.uint32(1 << 12)) & np.uint32(0xFFFFE000)).view(np.float32)
    return rounded


def step(
    weights: Weights,
    x: Floats,
    t: npt.NDArray[np.int64],
    lr: float,
    factor: Callable[[Floats], Floats] = _as_it_is,
) -> float:
    """Take one step of SGD in place; return the mean softmax cross-entropy before it.

    `factor` is what is done to both factors of every matrix product.
    """
    inputs, xp = [x], namespace(x)
    for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        inputs.append(xp.maximum(factor(inputs[-1]) @ factor(W) + b, 0))
    loss, dy = softmax_cross_entropy(factor(inputs[-1]) @ factor(weights[-2]) + weights[-1], t)
    for layer in range(len(inputs) - 1, -1, -1):
        W, b = weights[2 * layer], weights[2 * layer + 1]
        dW, db = factor(inputs[layer]).T @ factor(dy), dy.sum(axis=0)
        if layer:
            dy = (factor(dy) @ factor(W).T) * (inputs[layer] > 0)
        W -= lr * dW
        b -= lr * db
    return loss


def softmax_cross_entropy(y: Floats, t: npt.NDArray[np.int64]) -> tuple[float, Floats]:
    """Return the mean loss of logits y (N, C) and its gradient."""
    xp = namespace(y)
    y = y - y.max(axis=1, keepdims=True)
    e = xp.exp(y)
    total = e.sum(axis=1, keepdims=True)
    rows = xp.arange(len(t))
    loss = float(xp.mean(xp.log(total[:, 0]) - y[rows, t]))
    dy = e / total
    dy[rows, t] -= 1
    return loss, dy / len(t)
