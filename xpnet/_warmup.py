"""Compiling ahead what training on the CPU needs, by training small nets in every way there is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from xpnet._backends import BackendUnavailableError, using
from xpnet.nets import MultiLayerNet
from xpnet.nets._stack import ACTIVATIONS
from xpnet.optimizers import by_name, names
from xpnet_kernels import _compiler, _jit, registry

_DTYPES = ("float32", "float64")

MANY = 1000
"""Rows that `predict` sends through the net in blocks."""


@dataclass(frozen=True)
class Warmed:
    """A part of the work, done.

    Attributes
    ----------
    what : str
    compiled : int
        Kernels that had to be compiled.
    loaded : int
        Kernels whose machine code was in place.
    seconds : float
    """

    what: str
    compiled: int
    loaded: int
    seconds: float


def warm_up() -> Iterator[Warmed]:
    """Compile, or load, every kernel that `fit` and `predict` need on `numba`; yield part after part.

    Raises
    ------
    BackendUnavailableError
        If no kernel can be compiled here.
    """
    lacks = _compiler.obstacle()
    if lacks is not None:
        raise BackendUnavailableError(
            f"there is nothing to compile: {lacks.reason}. To mend it: {lacks.remedy}"
        )
    with using("numba"):
        for what, run in _parts():
            compiled, loaded = _counts()
            started = time.perf_counter()
            run()
            seconds = time.perf_counter() - started
            now_compiled, now_loaded = _counts()
            yield Warmed(what, now_compiled - compiled, now_loaded - loaded, seconds)


def _parts() -> Iterator[tuple[str, Callable[[], None]]]:
    pixels = np.arange(30 * 20, dtype=np.uint8).reshape(30, 20)
    pixels[pixels % 5 != 0] = 0  # most of an image is 0, which `fit` turns to account
    for dtype in _DTYPES:
        images = (pixels / 255).astype(dtype)
        yield f"layer by layer, {dtype}", partial(_layer_by_layer, images, dtype)
        for data, x in ((dtype, images), ("uint8", pixels)):
            what = f"compiled epochs, {dtype}, {data} data"
            yield what, partial(_train, x, dtype, "compiled")


def _layer_by_layer(x: Any, dtype: str) -> None:
    """Call every operation, then train: the two differ in how the arrays lie in memory."""
    for operation in registry.values():
        if operation.name != "mlp_epoch":
            for sample in operation.sample_inputs(np.random.default_rng(0), dtype):
                operation(*sample.arrays, **sample.options)
    _train(x, dtype, "layers")


def _train(x: Any, dtype: str, engine: str) -> None:
    """Train with every activation and every optimizer, and sample by sample in both ways."""
    ways = [("relu", optimizer, 20, (40, 9)) for optimizer in names()]
    ways += [(activation, "sgd", 20, (40, 9)) for activation in ACTIVATIONS.values()]
    ways += [("relu", "sgd", 1, hidden) for hidden in [(40, 9), (40, 1)]]
    for activation, optimizer, batch_size, hidden in ways:
        net = MultiLayerNet(x.shape[1], hidden, 5, activation=activation, seed=0, dtype=dtype)
        net.fit(
            x,
            np.arange(len(x)) % 5,
            batch_size=batch_size,
            optimizer=by_name(optimizer),
            seed=0,
            engine=engine,
            verbose=False,
        )
        for rows in (1, MANY):
            net.predict(np.resize(x, (rows, x.shape[1])))


def _counts() -> tuple[int, int]:
    """Return how many times kernels have been compiled, and loaded from the disk, in this process."""
    stats = [kernel.stats for kernel in _jit.cpu_kernels()]
    misses = sum(sum(one.cache_misses.values()) for one in stats)
    return misses, sum(sum(one.cache_hits.values()) for one in stats)
