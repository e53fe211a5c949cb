"""PyTorch: `nn.Sequential`, `F.cross_entropy`, `optim.SGD`; eager, compiled, or as captured CUDA graphs."""

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
        Whether `torch.compile` makes graphs of the forward pass with the loss, and of the backward pass; on a
        CUDA device in its mode "reduce-overhead".
    device : str, optional
        By default `"cuda"` where it is available, as JAX takes a GPU by default, else `"cpu"`.
    graph : int, optional
        Above 0: whole steps, the update included, are captured as a CUDA graph, so many in a graph.

    Raises
    ------
    ValueError
        If a graph is asked for without a CUDA device.
    """

    packages: ClassVar[tuple[str, ...]] = ("torch",)

    def __init__(self, compiled: bool = False, device: str | None = None, graph: int = 0) -> None:
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
        self.compiled, self.graph = compiled, graph
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.on_gpu = self.device.type == "cuda"
        if graph and not self.on_gpu:
            raise ValueError(f"a CUDA graph needs a CUDA device, and PyTorch computes on {self.device} here")

    def prepare(self, case: Case, data: Data, weights: Weights) -> None:
        """Build the net; PyTorch's weights are (outputs, inputs)."""
        self.batch = case.batch
        self._choose_precision(case)
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
        self.loss: Any = self._loss
        if self.compiled:
            # What it captures copies its inputs at every call, so the batch is gathered outside.
            captured = {"mode": "reduce-overhead", "dynamic": False}
            self.loss = (
                torch.compile(self._loss_of_batch, **captured) if self.on_gpu else torch.compile(self._loss)
            )
        if self.graph:
            self.captured = CapturedSteps(self, len(data.x))

    def _choose_precision(self, case: Case) -> None:
        """Say which products are wanted, whatever PyTorch's defaults are."""
        if self.on_gpu:
            torch.set_float32_matmul_precision("high" if case.tf32 else "highest")
        elif case.tf32:
            raise ValueError(
                "PyTorch computes on the CPU here, which has no TF32; leave tf32 out of the case"
            )

    def _loss(self, x: torch.Tensor, t: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        return self._loss_of_batch(x[index], t[index])

    def _loss_of_batch(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(self.net(x), t)

    def epoch(self, number: int, order: npt.NDArray[np.int64]) -> Sequence[float]:
        """Train in the usual loop; the losses come to the host once."""
        if self.graph:
            return self.captured.epoch(self.put(order))
        if self.compiled and self.on_gpu:
            return self._epoch_of_replays(self.put(order))
        losses = []
        for index in self.put(order).split(self.batch):
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss(self.x, self.t, index)
            loss.backward()
            self.optimizer.step()
            losses.append(loss.detach())
        values: list[float] = torch.stack(losses).tolist()
        return values

    def _epoch_of_replays(self, order: torch.Tensor) -> Sequence[float]:
        """Train in the loop that `torch.compile` wants where it replays CUDA graphs."""
        losses = []
        for index in order.split(self.batch):
            torch.compiler.cudagraph_mark_step_begin()
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss(self.x[index], self.t[index])
            loss.backward()
            self.optimizer.step()
            losses.append(loss.detach().clone())  # the next replay writes where it lies
        values: list[float] = torch.stack(losses).tolist()
        return values

    def synchronize(self) -> None:
        """Wait for a CUDA device; the CPU's calls return when they are done."""
        if self.on_gpu:
            torch.cuda.synchronize()

    def weights(self) -> Weights:
        """Copy the parameters to the host, W as (inputs, outputs)."""
        return [_to_host(parameter) for parameter in self.net.parameters()]

    def last_bias(self) -> Floats:
        """Copy that parameter to the host."""
        return _to_host(list(self.net.parameters())[-1])

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


def _to_host(parameter: torch.Tensor) -> Floats:
    array: Floats = parameter.detach().cpu().numpy().T
    return array


class CapturedSteps:
    """Training steps captured as CUDA graphs: gather, forward, backward and update without Python.

    The order of the samples, the number of the step and the losses lie on the device.

    Parameters
    ----------
    torch_ : Torch
        Prepared; its net is trained.
    samples : int
        At most, of an epoch.
    """

    def __init__(self, torch_: Torch, samples: int) -> None:
        self.its, device = torch_, torch_.device
        self.order = torch.zeros(samples, dtype=torch.long, device=device)
        self.number = torch.zeros(1, dtype=torch.long, device=device)
        self.losses = torch.zeros(-(-samples // torch_.batch), device=device)
        self._places = torch.arange(torch_.batch, device=device)  # the graphs read it where it lies
        self._graphs: dict[tuple[int, int], Any] = {}

    def epoch(self, order: torch.Tensor) -> list[float]:
        """Train in this order; return the loss of every step."""
        batch, together = self.its.batch, self.its.graph
        self.order[: len(order)].copy_(order)
        self.number.zero_()
        whole, rest = divmod(len(order), batch)
        for count, steps, size in (
            (whole // together, together, batch),
            (whole % together, 1, batch),
            (1 if rest else 0, 1, rest),
        ):
            if count:
                replay = self._captured(steps, size)
                for _ in range(count):
                    replay()
        values: list[float] = self.losses[: whole + bool(rest)].tolist()
        return values

    def _captured(self, steps: int, size: int) -> Any:
        """Return what replays so many steps of so many samples."""
        key = steps, size
        if key not in self._graphs:
            self._graphs[key] = capture(lambda: self._take(steps, self._places[:size]), self._kept())
        return self._graphs[key]

    def _kept(self) -> list[torch.Tensor]:
        """Return what warming up must not change."""
        return [*(one.detach() for one in self.its.net.parameters()), self.number, self.losses]

    def _take(self, steps: int, places: torch.Tensor) -> None:
        for _ in range(steps):
            self._step(places)

    def _step(self, places: torch.Tensor) -> None:
        index = self.order[self.number * self.its.batch + places]
        loss = self.its.loss(self.its.x, self.its.t, index)
        loss.backward()
        self.its.optimizer.step()
        self.its.optimizer.zero_grad(set_to_none=True)  # so the gradients are the graph's own memory
        self.losses.index_copy_(0, self.number, loss.detach().reshape(1))
        self.number += 1


def capture(steps: Any, kept: list[torch.Tensor]) -> Any:
    """Return what replays `steps` as one CUDA graph; it is run first, and the tensors kept are put back."""
    before = [tensor.clone() for tensor in kept]
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # where libraries that are loaded at their first call may be loaded
        for _ in range(3):
            for tensor, value in zip(kept, before, strict=True):
                tensor.copy_(value)
            steps()
        for tensor, value in zip(kept, before, strict=True):
            tensor.copy_(value)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        steps()
    return graph.replay
