"""The parent: runs sections one after the other, and writes what they leave, whatever becomes of them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from gpu_sections import Section
from xpnet._atomic import write_atomically

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = 1

TAIL = 3000
"""Characters of a section's log that are kept."""

GRACE = 2.0
"""Seconds that a section which is told to end may take for it."""


class Run:
    """One run of all sections.

    Parameters
    ----------
    about : dict
        What the result carries: device, commit, versions, date.
    path : Path
        Of the JSON file, which is whole at every moment after the first section.
    limit : float
        Seconds for all sections together.
    dry : bool, optional
        Whether doubles stand in the place of the GPU.
    say : callable, optional
        Told in a line what goes on.
    """

    def __init__(
        self,
        about: dict[str, Any],
        path: Path,
        limit: float,
        dry: bool = False,
        say: Callable[[str], None] = print,
    ) -> None:
        self.path, self.dry, self._say = path, dry, say
        self._until = time.monotonic() + limit
        self.document: dict[str, Any] = {
            "schema": SCHEMA,
            "kind": "dry run: nothing was measured" if dry else "gpu",
            "about": about,
            "finished": False,
            "sections": [],
        }

    def run(self, sections: Sequence[Section]) -> bool:
        """Run them; return whether all went well. SIGINT and SIGTERM end the run, not the document."""
        stopped = False
        with _terminates(), tempfile.TemporaryDirectory(prefix="xpnet-gpu-") as folder:
            self._write()
            for section in sections:
                left = self._until - time.monotonic()
                if stopped or left < min(10.0, section.limit):
                    self._keep(section, "interrupted" if stopped else "not reached", 0.0)
                    continue
                try:
                    self._section(section, min(section.limit, left), Path(folder))
                except KeyboardInterrupt:
                    stopped = True
        self.document["finished"] = True
        self._write()
        return all(one["status"] == "ok" for one in self.document["sections"])

    def _section(self, section: Section, limit: float, folder: Path) -> None:
        self._say(f"{section.name}: at most {limit:.0f} s")
        output = folder / f"{len(self.document['sections'])}.jsonl"
        log = output.with_suffix(".log")
        output.touch()
        started = time.monotonic()
        status, code = "interrupted", None
        try:
            with log.open("wb") as stream:
                status, code = self._child(section, output, limit, stream)
        finally:
            records, garbage = read_records(output)
            if garbage and status == "ok":
                status = "failed"
            tail = log.read_text(errors="replace").replace(f"{ROOT}/", "")[-TAIL:]
            if garbage:
                tail += f"\n{garbage} of its records were no JSON"
            taken = time.monotonic() - started
            self._keep(
                section, status, taken, code=code, records=records, tail="" if status == "ok" else tail
            )

    def _child(self, section: Section, output: Path, limit: float, log: Any) -> tuple[str, int | None]:
        told = {
            "function": section.function,
            "options": section.options,
            "earlier": str(self.path),
            "output": str(output),
            "dry": self.dry,
            "limit": limit,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "gpu_sections.child", json.dumps(told)],
            cwd=ROOT,
            env=environment(self.dry),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            return f"did not end within {limit:.0f} s", None
        finally:
            end(process)
        return "ok" if code == 0 else "failed", code

    def _keep(self, section: Section, status: str, seconds: float, **more: Any) -> None:
        kept = {"name": section.name, "status": status, "seconds": round(seconds, 2), "limit": section.limit}
        kept |= {"code": None, "records": [], "tail": "", **more}
        self.document["sections"].append(kept)
        self._write()
        self._say(f"{section.name}: {status} after {seconds:.1f} s")

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, (json.dumps(self.document, indent=1, allow_nan=False) + "\n").encode())


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    for number, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            if number == signal.SIGKILL:
                return


def environment(dry: bool) -> dict[str, str]:
    """Return the environment of a section: this checkout's code, the GPU itself or numba's simulator."""
    paths = [str(ROOT / "benchmarks"), str(ROOT), str(ROOT / "kernels"), *(path for path in sys.path if path)]
    changed = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "NUMBA_ENABLE_CUDASIM": "1" if dry else "0",
        "NUMBA_CUDA_LOW_OCCUPANCY_WARNINGS": "0",
        "PYTHONUNBUFFERED": "1",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    toolkit = Path("/usr/local/cuda")
    if toolkit.exists():  # numba looks for its compiler there, and finds no other where nothing is installed
        changed.setdefault("CUDA_HOME", str(toolkit))
    return changed


def read_records(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the records that a section wrote, and how many lines were none."""
    records, garbage = [], 0
    for line in path.read_text(errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            garbage += 1
            continue
        if isinstance(record, dict) and "what" in record:
            records.append(record)
        else:
            garbage += 1
    return records, garbage


@contextlib.contextmanager
def _terminates() -> Iterator[None]:
    """Let SIGTERM interrupt as Ctrl-C does."""

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
