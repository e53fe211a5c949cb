"""tinygrad: a training step under `TinyJit`, on its default device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from tinygrad import Context, Device, Tensor, TinyJit, nn

from xpnet.bench.case import Case, Data, Floats, Weights
from xpnet.bench.contestant import Contestant


class Tinygrad(Contestant):
    """tinygrad."""

    packages: ClassVar[tuple[str, ...]] = ("tinygrad",)

    def prepare(self, case: Case, data: Data, weights: Weights) -> None:
        """Put data and parameters on the device, and wrap the step."""
        try:
            Device[Device.DEFAULT]
        except RuntimeError as error:
            raise RuntimeError(f"{error}: on a CPU tinygrad needs clang; put it on the PATH") from None
        self.batch = case.batch
        self.x, self.t = self.put(data.x), self.put(data.t.astype(np.int32))
        self.params = [Tensor(array.copy()).realize() for array in weights]
        self.optimizer = nn.optim.SGD(self.params, lr=case.lr)
        self.step, self.last_step = TinyJit(self._step), TinyJit(self._step)

    def _forward(self, x: Any) -> Any:
        last = len(self.params) - 2
        for layer in range(0, last, 2):
            x = (x @ self.params[layer] + self.params[layer + 1]).relu()
        return x @ self.params[last] + self.params[last + 1]

    def _step(self, index: Any) -> Any:
        self.optimizer.zero_grad()
        loss = self._forward(self.x[index]).sparse_categorical_crossentropy(self.t[index]).backward()
        return loss.realize(*self.optimizer.schedule_step())

    def epoch(self, number: int, order: npt.NDArray[np.int64]) -> Sequence[float]:
        """Train; each loss is copied before the jit reuses its buffer."""
        losses = []
        with Context(TRAINING=1):
            for start in range(0, len(order), self.batch):
                index = Tensor(order[start : start + self.batch].astype(np.int32)).realize()
                run = self.step if len(index) == self.batch else self.last_step
                losses.append(float(run(index).item()))
        return losses

    def synchronize(self) -> None:
        """Wait for the device."""
        Device[Device.DEFAULT].synchronize()

    def weights(self) -> Weights:
        """Copy the parameters to the host."""
        return [parameter.numpy() for parameter in self.params]

    def put(self, x: npt.NDArray[Any]) -> Any:
        """Put an array on the device."""
        return Tensor(x).realize()

    def fetch(self, array: Any) -> Floats:
        """Copy a tensor to the host."""
        host: Floats = array.numpy()
        return host

    def predict(self, x: Any) -> Any:
        """Run the forward pass."""
        with Context(TRACK_MATCH_STATS=0):
            return self._forward(x).realize()

    def product(self, a: Any, b: Any) -> Any:
        """Multiply two matrices."""
        return (a @ b).realize()

    def facts(self) -> dict[str, Any]:
        """Return the device."""
        return {"device": Device.DEFAULT}
