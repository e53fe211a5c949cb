"""One implementation of `mlp_epoch` as a contestant: `fit`'s epochs, without starting `fit` anew for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

import xpnet
from xpnet.bench.case import Case, Data, Floats, Weights
from xpnet.bench.contestant import Contestant, DoesNotApplyError
from xpnet_kernels import mlp_epoch
from xpnet_kernels._arrays import aligned_empty
from xpnet_kernels._operation import Implementation


class Tier(Contestant):
    """A way to run a whole epoch, called as `fit` calls it once a run has begun.

    Parameters
    ----------
    variant : str
        Of the implementation, e.g. `"graph"` or `"persistent"`.
    engine : str, optional
        Of the implementation; decides the backend.
    pixels : bool, optional
        Whether the samples lie in memory as uint8 pixels, which the kernels scale.
    deterministic : bool, optional
        Whether the implementation, which must have that choice, gives the same bits in every run.
    """

    packages: ClassVar[tuple[str, ...]] = ("xpnet", "numpy", "numba", "numba-cuda", "cupy-cuda13x")

    def __init__(
        self, variant: str, engine: str = "numba-cuda", pixels: bool = False, deterministic: bool = False
    ) -> None:
        self.backend = xpnet.use(engine)
        self.implementation = implementation(engine, variant)
        self.pixels = pixels
        self.more = {"deterministic": True} if deterministic else {}

    def prepare(self, case: Case, data: Data, weights: Weights) -> None:
        """Put data and weights on the device.

        Raises
        ------
        DoesNotApplyError
            If the implementation cannot compute the case; says why.
        """
        if case.tf32:
            allow_tf32()
        self.case = case
        self.x, self.t = self.put(to_pixels(data.x) if self.pixels else data.x), self.put(data.t)
        self.net = xpnet.nets.MultiLayerNet(case.sizes[0], case.sizes[1:-1], case.sizes[-1], seed=0)
        for name, array in zip(self.net.params, weights, strict=True):
            self.net.params[name] = array
        self.arrays = list(self.net.params.values())
        self.optimizer = xpnet.optimizers.SGD(lr=case.lr)
        self.workspace: dict[str, Any] = {}
        obstacle, order = self.implementation.obstacle, self.put(np.arange(len(data.x)))
        why = obstacle(*self._given(order), **self._options(len(data.x))) if obstacle is not None else None
        if why is not None:
            raise DoesNotApplyError(f"{self.implementation.variant} does not apply to {case}: {why}")

    def _given(self, order: Any) -> tuple[Any, ...]:
        return (self.x, self.t, order, *self.arrays)

    def _options(self, samples: int) -> dict[str, Any]:
        return {
            "activations": ("relu",) * (len(self.case.layers) - 1),
            "batch_size": self.case.batch,
            "update": "sgd",
            "options": self.optimizer.options_ahead(self.case.steps(samples), made=0),
            "weight_decay": 0.0,
            "should_stop": lambda: False,
            "out": self.arrays,
            "workspace": self.workspace,
            **self.more,
        }

    def start(self, order: npt.NDArray[np.int64]) -> Any:
        """Ask for an epoch in this order; return the losses, on the device."""
        losses, *_ = self.implementation.function(*self._given(self.put(order)), **self._options(len(order)))
        return losses

    def epoch(self, number: int, order: npt.NDArray[np.int64]) -> Sequence[float]:
        """Train; the losses come to the host once."""
        values: list[float] = self.fetch(self.start(order)).tolist()
        return values

    def synchronize(self) -> None:
        """Wait for the backend's device."""
        self.backend.synchronize()

    def weights(self) -> Weights:
        """Copy the parameters to the host."""
        return [self.fetch(array) for array in self.arrays]

    def last_bias(self) -> Floats:
        """Copy that parameter to the host."""
        return self.fetch(self.arrays[-1])

    def put(self, x: npt.NDArray[Any]) -> Any:
        """Put a copy of an array on the device; on the host it lies where kernels read it in place."""
        copy = aligned_empty(x.shape, x.dtype)
        copy[...] = x
        return self.backend.asarray(copy)

    def fetch(self, array: Any) -> Floats:
        """Copy an array to the host."""
        return xpnet.to_numpy(array)

    def predict(self, x: Any) -> Any:
        """Call `net.predict`."""
        return self.net.predict(x)

    def facts(self) -> dict[str, Any]:
        """Return the device in words, and how the samples lie in memory."""
        return {"device": self.backend.device(), "x": str(self.x.dtype)}


def implementation(engine: str, variant: str) -> Implementation:
    """Return an implementation of `mlp_epoch`.

    Raises
    ------
    ValueError
        If there is none of that name; lists those there are.
    """
    there = [one for one in mlp_epoch.implementations if one.engine == engine]
    for one in there:
        if one.variant == variant:
            return one
    names = ", ".join(repr(one.variant) for one in there) or "none"
    raise ValueError(f"mlp_epoch has no implementation {variant!r} on {engine}; there are: {names}")


def allow_tf32() -> None:
    """Let wide products take TF32.

    Raises
    ------
    ValueError
        If this xpnet has no such setting.
    """
    setting = getattr(xpnet, "set_tf32", None)
    if setting is None:
        raise ValueError("this xpnet has no set_tf32; its products are in float32 only")
    setting(True)


def to_pixels(x: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Return the uint8 pixels that were scaled to x.

    Raises
    ------
    ValueError
        If x is not made of whole pixels.
    """
    pixels = np.rint(x * 255).astype(np.uint8)
    if not np.allclose(pixels.astype(np.float32) / 255, x, rtol=0, atol=1e-6):
        raise ValueError("the samples are no pixels scaled to 0..1; leave pixels=True out")
    return pixels
