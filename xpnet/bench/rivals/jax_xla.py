"""JAX: one jitted step, called from Python or scanned over the epoch, with the parameters donated."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from xpnet.bench.case import Case, Data, Floats, Weights
from xpnet.bench.contestant import Contestant


def forward(params: Any, x: Any) -> Any:
    """Return the logits."""
    for W, b in params[:-1]:
        x = jax.nn.relu(x @ W + b)
    W, b = params[-1]
    return x @ W + b


def loss_of(params: Any, x: Any, t: Any) -> Any:
    """Return the mean softmax cross-entropy."""
    log_p = jax.nn.log_softmax(forward(params, x))
    return -jnp.mean(jnp.take_along_axis(log_p, t[:, None], axis=1))


def step(params: Any, x: Any, t: Any, index: Any, lr: float) -> tuple[Any, Any]:
    """Take one step of SGD; return the new parameters and the loss before it."""
    loss, grads = jax.value_and_grad(loss_of)(params, x[index], t[index])
    return jax.tree.map(lambda p, g: p - lr * g, params, grads), loss


class Jax(Contestant):
    """JAX on its default device, or on another.

    Parameters
    ----------
    scan : bool, optional
        Whether an epoch is one call, `lax.scan` over its steps, instead of one call a step.
    unroll : int, optional
        How many steps of the scan XLA compiles as one.
    device : str, optional
        JAX's name of a platform, e.g. `"gpu"`, which must be there.
    """

    packages: ClassVar[tuple[str, ...]] = ("jax", "jaxlib")

    def __init__(self, scan: bool = False, unroll: int = 1, device: str | None = None) -> None:
        self.scan, self.unroll = scan, unroll
        # By default the first process takes three quarters of a GPU's memory; read when JAX first computes.
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        if device is not None:
            jax.config.update("jax_default_device", jax.devices(device)[0])

    def prepare(self, case: Case, data: Data, weights: Weights) -> None:
        """Put data and parameters on the device, and wrap the step."""
        self.batch = case.batch
        self.x, self.t = self.put(data.x), self.put(data.t.astype(np.int32))
        self._choose_precision(case)
        arrays = [jnp.array(array) for array in weights]
        self.params = list(zip(arrays[::2], arrays[1::2], strict=True))
        one = functools.partial(step, lr=case.lr)
        self.step = jax.jit(one, donate_argnums=0)
        self.steps = jax.jit(
            lambda params, x, t, batches: jax.lax.scan(
                lambda p, index: one(p, x, t, index), params, batches, unroll=self.unroll
            ),
            donate_argnums=0,
        )
        self.forward = jax.jit(forward)

    def _choose_precision(self, case: Case) -> None:
        """Say which products are wanted: by default XLA takes TF32 for float32 on a GPU that has it."""
        if _device(self.x).platform == "cpu":
            if case.tf32:
                raise ValueError(
                    "JAX computes on the CPU here, which has no TF32; leave tf32 out of the case"
                )
            return
        precision = "tensorfloat32" if case.tf32 else "float32"
        jax.config.update("jax_default_matmul_precision", precision)

    def epoch(self, number: int, order: npt.NDArray[np.int64]) -> Sequence[float]:
        """Train; the losses come to the host once."""
        narrow = order.astype(np.int32)
        whole = len(order) // self.batch * self.batch
        losses: list[Any] = []
        if self.scan:
            self.params, some = self.steps(
                self.params, self.x, self.t, narrow[:whole].reshape(-1, self.batch)
            )
            losses.append(some)
        else:
            for start in range(0, whole, self.batch):
                self._one(narrow[start : start + self.batch], losses)
        if whole < len(order):
            self._one(narrow[whole:], losses)
        values: list[float] = np.concatenate(
            [np.atleast_1d(loss) for loss in jax.device_get(losses)]
        ).tolist()
        return values

    def _one(self, index: Any, losses: list[Any]) -> None:
        self.params, loss = self.step(self.params, self.x, self.t, index)
        losses.append(loss)

    def synchronize(self) -> None:
        """Wait for the parameters; calls only ask for work."""
        jax.block_until_ready(self.params)

    def wait_for(self, array: Any) -> None:
        """Wait for this array."""
        jax.block_until_ready(array)

    def weights(self) -> Weights:
        """Copy the parameters to the host."""
        return [self._to_host(array) for pair in self.params for array in pair]

    def last_bias(self) -> Floats:
        """Copy that parameter to the host."""
        return self._to_host(self.params[-1][1])

    def _to_host(self, array: Any) -> Floats:
        if _device(self.x).platform != "cpu":
            # JAX keeps what it has brought to the host once: then a second reading would take no time.
            array = jnp.copy(array)
        return np.asarray(array)

    def put(self, x: npt.NDArray[Any]) -> Any:
        """Put an array on the device."""
        return jnp.asarray(x)

    def predict(self, x: Any) -> Any:
        """Run the jitted forward pass."""
        return self.forward(self.params, x)

    def facts(self) -> dict[str, Any]:
        """Return the device."""
        return {"device": str(_device(self.x))}


def _device(array: Any) -> Any:
    (device,) = array.devices()
    return device
