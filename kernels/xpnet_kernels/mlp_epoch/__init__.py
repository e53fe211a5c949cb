"""An epoch of training a stack of Affine and elementwise activations, as one operation."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array, cast, dtype_name
from xpnet_kernels._operation import Operation, Sample, operation
from xpnet_kernels._samples import normal
from xpnet_kernels.adagrad import adagrad
from xpnet_kernels.adam import adam
from xpnet_kernels.affine import affine
from xpnet_kernels.affine_backward import affine_backward
from xpnet_kernels.mlp_epoch import gpu
from xpnet_kernels.mlp_epoch.cpu import train_on_cpu
from xpnet_kernels.mlp_epoch.layout import samples_obstacle
from xpnet_kernels.momentum import momentum
from xpnet_kernels.nesterov import nesterov
from xpnet_kernels.relu import relu, relu_backward
from xpnet_kernels.rmsprop import rmsprop
from xpnet_kernels.sgd import sgd
from xpnet_kernels.sigmoid import sigmoid, sigmoid_backward
from xpnet_kernels.softmax_cross_entropy import softmax_cross_entropy
from xpnet_kernels.tanh import tanh, tanh_backward
from xpnet_kernels.weight_decay import weight_penalty, weight_penalty_backward

UPDATES: dict[str, Operation] = {
    update.name: update for update in (sgd, momentum, nesterov, adagrad, rmsprop, adam)
}
"""The updates that an epoch can make, by name."""


@operation(layer="fit")
def mlp_epoch(
    xp: Any,
    x: Array,
    t: Array,
    order: Array,
    *arrays: Array,
    activations: Sequence[str],
    batch_size: int,
    update: str,
    options: Sequence[dict[str, float]],
    weight_decay: float = 0.0,
    should_stop: Callable[[], bool] | None = None,
    out: Sequence[Array] | None = None,
    workspace: dict[str, Any] | None = None,
) -> tuple[Array, ...]:
    """Take one step for each batch of an epoch.

    A step is: gather the batch, Affine and activation in turn, softmax cross-entropy, back-propagation, one
    update of every parameter.

    Parameters
    ----------
    x : array (samples, D), the parameters' dtype, or uint8 pixels that are scaled to 0..1
    t : array (samples,), integer
        Class indices in 0..C-1; not checked here.
    order : array (visited,), integer
        Which samples to visit, in which order.
    *arrays : array
        W1, b1, W2, b2, ..., then what the update keeps: its first array for each parameter, its second.
    activations : sequence of str
        `"relu"`, `"sigmoid"` or `"tanh"` after each Affine but the last.
    batch_size : int
        The last batch may be smaller.
    update : str
        A name in `UPDATES`.
    options : sequence of dict
        The update's options at each step; as many as there are batches.
    weight_decay : float, optional
        λ of the penalty ½ λ Σ W².
    should_stop : callable, optional
        Asked now and then; once it returns True the epoch ends after the step in hand, or after the few that
        are made together.
    out : sequence of array, optional
        Receive the new arrays; may be `arrays`.
    workspace : dict, optional
        Empty at first; an implementation keeps in it what it can use again for the next epoch of the same
        data and net. On a GPU the data may change in the arrays meanwhile: streamed ones do.

    Returns
    -------
    losses : array (steps made,), the parameters' dtype
    *new : array
        The new values of `arrays`.
    """
    state = [array + 0 for array in arrays]
    count = 2 * (len(activations) + 1)
    losses = []
    for step, settings in enumerate(options):
        batch = order[step * batch_size : min((step + 1) * batch_size, order.shape[0])]
        rows, labels = xp.take(x, batch, axis=0), xp.take(t, batch, axis=0)
        if dtype_name(rows) == "uint8":
            rows = cast(rows, dtype_name(arrays[0])) / 255
        loss, gradients = _gradients(xp, rows, labels, state[:count], activations, weight_decay)
        losses.append(loss)
        for i, gradient in enumerate(gradients):
            new = UPDATES[update].reference(xp, state[i], gradient, *state[i + count :: count], **settings)
            state[i::count] = new
        if should_stop is not None and should_stop():
            break
    made = xp.stack(losses) if losses else arrays[1][:0]
    if out is not None:  # last: a device may run out of memory before
        for target, value in zip(out, state, strict=True):
            target[...] = value
        state = list(out)
    return (made, *state)


def _gradients(
    xp: Any, x: Array, t: Array, parameters: list[Array], activations: Sequence[str], weight_decay: float
) -> tuple[Array, list[Array]]:
    """Return the loss of one batch and the gradient of every parameter, by the references."""
    inputs, remembered = [x], []
    for layer, activation in enumerate((*activations, "none")):
        z = affine.reference(xp, inputs[-1], parameters[2 * layer], parameters[2 * layer + 1])
        y, kept = _forward(xp, activation, z)
        inputs.append(y)
        remembered.append(kept)
    loss, dz = softmax_cross_entropy.reference(xp, inputs[-1], t)
    gradients: list[Array] = []
    for layer in reversed(range(len(remembered))):
        W = parameters[2 * layer]
        dz = _backward(xp, (*activations, "none")[layer], dz, remembered[layer])
        dz, dW, db = affine_backward.reference(xp, dz, inputs[layer], W)
        if weight_decay:
            loss = loss + weight_penalty.reference(xp, W, weight_decay=weight_decay)
            dW = weight_penalty_backward.reference(xp, dW, W, weight_decay=weight_decay)
        gradients = [dW, db, *gradients]
    return loss, gradients


def _forward(xp: Any, activation: str, z: Array) -> tuple[Array, Array]:
    """Return an activation of z and what its backward needs."""
    if activation == "relu":
        y, mask = relu.reference(xp, z)
        return y, mask
    y = {"sigmoid": sigmoid.reference, "tanh": tanh.reference, "none": lambda xp, z: z}[activation](xp, z)
    return y, y


def _backward(xp: Any, activation: str, dy: Array, kept: Array) -> Array:
    if activation == "none":
        return dy
    backward = {"relu": relu_backward, "sigmoid": sigmoid_backward, "tanh": tanh_backward}[activation]
    return backward.reference(xp, dy, kept)


@mlp_epoch.samples
def _samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    momentum = {"lr": 0.1, "momentum": 0.9}
    cases = [
        ([5, 3], [], 4, "sgd", {"lr": 0.1}),
        ([20, 17, 4], ["relu"], 7, "sgd", {"lr": 0.3}),
        ([3, 2, 1], ["relu"], 1, "sgd", {"lr": 0.1}),
        ([9, 70, 8, 11], ["tanh", "sigmoid"], 13, "momentum", momentum),
        ([9, 7, 3], ["relu"], 40, "nesterov", momentum),
        ([9, 7, 3], ["tanh"], 16, "adagrad", {"lr": 0.1, "eps": 1e-7}),
        ([9, 7, 3], ["sigmoid"], 13, "rmsprop", {"lr": 0.01, "decay": 0.9, "eps": 1e-7}),
    ]
    for sizes, activations, batch_size, update, settings in cases:
        yield _sample(rng, dtype, sizes, activations, batch_size, update, settings)
    yield _sample(rng, dtype, [32, 5, 3], ["relu"], 16, "sgd", {"lr": 0.3}, pixels=True)
    yield _sample(rng, dtype, [16, 9, 4], ["relu"], 23, "sgd", {"lr": 0.3})
    yield _sample(rng, dtype, [12, 70, 8, 11], ["tanh", "relu"], 1, "sgd", {"lr": 0.1}, pixels=True)
    yield _sample(rng, dtype, [130, 37, 3], ["relu"], 9, "sgd", {"lr": 0.1}, pixels=True, zeros=0.8)
    yield _sample(rng, dtype, [130, 70, 6, 3], ["tanh", "relu"], 9, "momentum", momentum, zeros=0.8)
    adam_settings = {"lr": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-7, "unbias1": 5.0, "unbias2": 50.0}
    yield _sample(rng, dtype, [12, 6, 6, 3], ["relu", "relu"], 11, "adam", adam_settings, pixels=True)


def _sample(
    rng: np.random.Generator,
    dtype: Any,
    sizes: list[int],
    activations: list[str],
    batch_size: int,
    update: str,
    settings: dict[str, float],
    pixels: bool = False,
    zeros: float = 0,
) -> Sample:
    samples = 23
    shape = samples, sizes[0]
    x = rng.integers(0, 256, shape).astype(np.uint8) if pixels else normal(rng, shape, dtype)
    x[rng.random(shape) < zeros] = 0
    parameters = []
    for inputs, outputs in itertools.pairwise(sizes):
        parameters += [0.5 * normal(rng, (inputs, outputs), dtype), 0.1 * normal(rng, (outputs,), dtype)]
    kept = {"sgd": 0, "adam": 2}.get(update, 1)
    state = [rng.random(array.shape).astype(dtype) for _ in range(kept) for array in parameters]
    order = rng.permutation(samples)[: 8 * batch_size]
    options = [settings] * -(-len(order) // batch_size)
    return Sample(
        (x, rng.integers(0, sizes[-1], samples), order, *parameters, *state),
        {
            "activations": tuple(activations),
            "batch_size": batch_size,
            "update": update,
            "options": options,
            "weight_decay": 0.0 if update == "sgd" else 0.01,
        },
    )


def cpu_obstacle(x: Array, t: Array, order: Array, W1: Array, *arrays: Array, **options: Any) -> str | None:
    """Return why the CPU kernels cannot run such an epoch, or None if they can."""
    return samples_obstacle(x, W1)


mlp_epoch.implementation("numba", obstacle=cpu_obstacle)(train_on_cpu)
mlp_epoch.implementation("numba-cuda", "graph")(gpu.train_by_graph)
mlp_epoch.implementation("numba-cuda", "persistent", gpu.persistent_obstacle)(gpu.train_persistently)
