"""PyTorch: `nn.Sequential`, `F.cross_entropy` and `optim.SGD`, eager or compiled."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from xpnet.bench.case import Case, Data, Floats, Weights
from xpnet.bench.contestant import Contestant


class Torch(Contestant):
    """PyTorch on the CPU or on a CUDA device.

    Parameters
    ----------
    compiled : bool, optional
        Whether `torch.compile` makes graphs of the forward pass with the loss, and of the backward pass.
    device : str, optional
        By default `"cuda"` where it is available, as JAX takes a GPU by default, else `"cpu"`.
    """

    packages: ClassVar[tuple[str, ...]] = ("torch",)

    def __init__(self, compiled: bool = False, device: str | None = None) -> None:
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
        self.compiled = compiled
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))

    def prepare(self, case: Case, data: Data, weights: Weights) -> None:
        """Build the net; PyTorch's weights are (outputs, inputs)."""
        self.batch = case.batch
        self.x, self.t = self.put(data.x), self.put(data.t)
        layers: list[nn.Module] = []
        for inputs, outputs in case.layers:
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.net = nn.Sequential(*layers[:-1]).to(self.device)
        with torch.no_grad():
            for parameter, array in zip(self.net.parameters(), weights, strict=True):
                parameter.copy_(torch.from_numpy(array.T.copy()))
        # `fused` updates all parameters in one call: the quickest of PyTorch's own SGD loops.
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=case.lr, fused=True)
        self.model: Any = self.net
        self.loss: Any = torch.compile(self._loss) if self.compiled else self._loss

    def _loss(self, x: torch.Tensor, t: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(self.net(x[index]), t[index])

    def epoch(self, number: int, order: npt.NDArray[np.int64]) -> Sequence[float]:
        """Train in the usual loop; the losses come to the host once."""
        losses = []
        for index in self.put(order).split(self.batch):
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss(self.x, self.t, index)
            loss.backward()
            self.optimizer.step()
            losses.append(loss.detach())
        values: list[float] = torch.stack(losses).tolist()
        return values

    def synchronize(self) -> None:
        """Wait for a CUDA device; the CPU's calls return when they are done."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def weights(self) -> Weights:
        """Copy the parameters to the host, W as (inputs, outputs)."""
        return [parameter.detach().cpu().numpy().T for parameter in self.net.parameters()]

    def put(self, x: npt.NDArray[Any]) -> Any:
        """Put an array on the device."""
        return torch.from_numpy(x).to(self.device)

    def fetch(self, array: Any) -> Floats:
        """Copy a tensor to the host."""
        host: Floats = array.cpu().numpy()
        return host

    def predict(self, x: Any) -> Any:
        """Run the net without recording anything for a backward pass."""
        if self.compiled and self.model is self.net:
            self.model = torch.compile(self.net)
        with torch.inference_mode():
            return self.model(x)

    def facts(self) -> dict[str, Any]:
        """Return the threads PyTorch uses."""
        return {"device": str(self.device), "threads": torch.get_num_threads()}
