"""What stands in for CuPy and PyTorch's CUDA in a dry run: the same calls, on the host, at once."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import numpy as np


class _Cupy:
    """NumPy, with what the sections ask of CuPy beside it."""

    def __init__(self) -> None:
        self.cuda = SimpleNamespace(
            Device=_Device,
            Event=_Event,
            Stream=_Stream,
            get_current_stream=_Stream,
            get_elapsed_time=lambda before, after: 1e3 * (after.at - before.at),
            runtime=SimpleNamespace(
                runtimeGetVersion=lambda: 0, driverGetVersion=lambda: 0, getDeviceProperties=_properties
            ),
        )
        self.random = SimpleNamespace(
            random=lambda size, dtype: np.random.default_rng(0).random(size, dtype=dtype)
        )
        self.RawKernel = _RawKernel

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def cupy() -> Any:
    """Return the double of CuPy."""
    return _Cupy()


class _Device:
    id = 0
    compute_capability = "00"
    mem_info = (0, 0)

    def __init__(self) -> None:
        self.attributes = {"MultiProcessorCount": 0, "L2CacheSize": 0}

    def synchronize(self) -> None:
        pass


class _Event:
    def record(self, stream: Any = None) -> None:
        self.at = time.perf_counter()

    def synchronize(self) -> None:
        assert self.at


class _Stream:
    def __init__(self, non_blocking: bool = False) -> None:
        self.ptr = 0

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *exception: Any) -> None:
        pass

    def synchronize(self) -> None:
        pass

    def begin_capture(self) -> None:
        pass

    def end_capture(self) -> Any:
        return SimpleNamespace(upload=lambda stream: None, launch=lambda stream=None: None)


class _RawKernel:
    def __init__(self, code: str, name: str, *, enable_cooperative_groups: bool) -> None:
        assert f"void {name}(" in code

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...]) -> None:
        assert len(grid) == len(block) == 1


def _properties(device: int) -> dict[str, Any]:
    return {"name": b"no GPU: a dry run"}


class _TorchGraph:
    def replay(self) -> None:
        pass


class _Captured:
    def __init__(self, graph: _TorchGraph) -> None:
        assert isinstance(graph, _TorchGraph)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: Any) -> None:
        pass


class _TorchEvent(_Event):
    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing

    def elapsed_time(self, after: _TorchEvent) -> float:
        return 1e3 * (after.at - self.at)


torch_cuda = SimpleNamespace(
    CUDAGraph=_TorchGraph, Event=_TorchEvent, graph=_Captured, synchronize=lambda: None
)
"""The double of `torch.cuda`."""
