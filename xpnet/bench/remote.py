"""A player in a process of its own: its thread pools, its environment and its peak of memory are its alone.

Commands and answers are lines of JSON; arrays pass through files in a folder that both processes know.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.bench import threads
from xpnet.bench.case import Case, Data
from xpnet.bench.player import Turn
from xpnet_kernels._arrays import aligned_empty


class ContestantError(RuntimeError):
    """A contestant's process failed; the message ends with what it said last."""


class RemotePlayer:
    """Plays like `Player`, in another process.

    Parameters
    ----------
    spec, options, case
        As for `Player`.
    folder : Path
        Where `write_data` put the data; the process leaves its weights there.
    name : str
        Of the files it writes; unique in the folder.
    thread_count : int
        What the process is held to.
    limit : float, optional
        Seconds that one answer may take; a process that takes longer is killed.

    Raises
    ------
    ContestantError
        By every method, if the process fails.
    """

    def __init__(
        self,
        spec: str,
        options: dict[str, Any],
        case: Case,
        folder: Path,
        name: str,
        thread_count: int,
        limit: float | None = None,
    ) -> None:
        self.folder, self.name, self.limit = folder, name, limit
        self._log = (folder / f"{name}.log").open("w+")
        environment = {
            **os.environ,
            **threads.environment(thread_count),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "xpnet.bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment,
        )
        start = {"spec": spec, "options": options, "case": asdict(case), "threads": thread_count}
        self._send({**start, "folder": str(folder), "name": name})

    def prepare(self) -> dict[str, Any]:
        """Build the net; return what is worth recording."""
        facts: dict[str, Any] = self._ask("prepare")
        return facts

    def epoch(self, number: int, samples: int, after: int | None = None) -> Turn:
        """Train on the first `samples` samples, right after another epoch if there is one."""
        answer = self._ask("epoch", number=number, samples=samples, after=after)
        with np.load(self.folder / f"{self.name}.npz") as arrays:
            weights = [arrays[f"w{index}"] for index in range(len(arrays.files) - 2)]
            losses, before = arrays["losses"], arrays["before"]
        return Turn(answer["seconds"], answer["drain"], answer["cpu"], losses, weights, before)

    def inference(self, samples: int, check: bool = True) -> dict[str, Any]:
        """Time the logits of the first `samples` test images."""
        answer: dict[str, Any] = self._ask("inference", samples=samples, check=check)
        return answer

    def gemm_rate(self) -> float:
        """Return the best rate of this library's float32 matrix product, in FLOP/s."""
        return float(self._ask("gemm_rate"))

    def peak_bytes(self) -> int:
        """Return the largest memory the process has had."""
        return int(self._ask("peak_bytes"))

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):  # it may have ended with a command unread
                self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()

    def _ask(self, command: str, **arguments: Any) -> Any:
        self._send({"command": command, "arguments": arguments})
        line = self._line_in_time()
        if not line:
            raise ContestantError(self._last_words())
        answer = json.loads(line)
        if "error" in answer:
            raise ContestantError(answer["error"])
        return answer["result"]

    def _line_in_time(self) -> str:
        assert self._process.stdout is not None
        if self.limit is None:
            return self._process.stdout.readline()
        expired = threading.Event()

        def end() -> None:
            expired.set()
            self._process.kill()

        timer = threading.Timer(self.limit, end)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line and expired.is_set():
            raise ContestantError(f"no answer within {self.limit:g} s")
        return line

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise ContestantError(self._last_words()) from None

    def _last_words(self) -> str:
        self._process.wait()
        self._log.seek(0)
        lines = [line.strip() for line in self._log.read().splitlines() if line.strip()]
        return lines[-1] if lines else f"the process ended with code {self._process.returncode}"


def write_data(data: Data, folder: Path) -> None:
    """Write the arrays for the players' processes."""
    for name, array in data._asdict().items():
        np.save(folder / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)


def read_data(folder: Path) -> Data:
    """Read what `write_data` wrote, each array at an address that no library needs to copy it from."""
    return Data(**{name: _read_aligned(folder / f"{name}.npy") for name in Data._fields})


def _read_aligned(path: Path) -> Any:
    with path.open("rb") as stream:
        np.lib.format.read_magic(stream)
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        array = aligned_empty(shape, dtype)
        stream.readinto(array.reshape(-1).view(np.uint8).data)
        return array
