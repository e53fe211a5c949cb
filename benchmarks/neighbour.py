"""What a busy neighbour costs an epoch: `python benchmarks/neighbour.py [--json FILE.json]`.

The compiled 784-50-10 net at batch 100, with one thread and with two, and PyTorch eager where that is
installed: epochs alone, and epochs while one process a core runs plain Python and NumPy loops. Both states
alternate within each round; every contestant is a process of its own, as in `xpnet bench`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import xpnet
from xpnet.bench import contestants, machine, threads
from xpnet.bench.case import Case, Data
from xpnet.bench.remote import RemotePlayer, write_data
from xpnet.bench.session import parse_case

STATES = ("alone", "beside")
SETTLE = 0.2
"""Seconds of rest before each state, until the loops run, or thread pools have gone to sleep."""

LOOP = """
import os, numpy
parent = os.getppid()
print(flush=True)
a = numpy.ones(100_000)
while os.getppid() == parent:
    for i in range(10_000):
        pass
    a = a * 1.0
"""


class Neighbour:
    """One process a core that loads it; stopped until told to work.

    Parameters
    ----------
    cores : int
    """

    def __init__(self, cores: int) -> None:
        environment = {**os.environ, **threads.environment(1)}
        command = [sys.executable, "-c", LOOP]
        self.processes = [
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(cores)
        ]
        for process in self.processes:
            process.stdout.readline()  # it has imported NumPy
        self.tell("alone")

    def tell(self, state: str) -> None:
        """Let the loops run in the state "beside", and stop them in the state "alone"."""
        for process in self.processes:
            process.send_signal(signal.SIGCONT if state == "beside" else signal.SIGSTOP)

    def close(self) -> None:
        """End the processes."""
        for process in self.processes:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def players(case: Case, data: Data, counts: Sequence[int]) -> Iterator[dict[tuple[str, int], RemotePlayer]]:
    """Start xpnet's compiled path and PyTorch, each with these threads, warmed up; close them at the end."""
    entries = [contestants.of_backends(["numba"])[0], contestants.of_rivals(["torch"])[0]]
    entries = [entry for entry in entries if contestants.installed(entry)]
    with tempfile.TemporaryDirectory(prefix="xpnet-bench-") as name, contextlib.ExitStack() as stack:
        write_data(data, Path(name))
        started = {}
        for entry in entries:
            for count in counts:
                file = f"player{len(started)}"
                player = RemotePlayer(entry.spec, entry.options, case, Path(name), file, count)
                stack.callback(player.close)
                player.prepare()
                player.epoch(0, len(data.x))
                started[entry.label, count] = player
        yield started


def measure(case: Case, data: Data, rounds: int, counts: Sequence[int]) -> list[dict[str, Any]]:
    """Return the seconds of every epoch, by contestant and state."""
    with players(case, data, counts) as playing, contextlib.closing(Neighbour(threads.available())) as loops:
        rows = {key: {state: [] for state in STATES} for key in playing}
        for number in range(1, rounds + 1):
            for state in STATES if number % 2 else STATES[::-1]:
                loops.tell(state)
                for key, player in playing.items():
                    time.sleep(SETTLE)
                    rows[key][state].append(player.epoch(number, len(data.x)).seconds)
    return [{"label": label, "threads": count, **rows[label, count]} for label, count in rows]


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return a Markdown table of medians, and of the median over the rounds of how much longer it takes."""
    lines = ["| seconds an epoch | threads | alone | beside a busy neighbour | times as long |"]
    lines.append("|---|---:|---:|---:|---:|")
    for row in rows:
        alone, beside = (statistics.median(row[state]) for state in STATES)
        ratio = statistics.median(b / a for a, b in zip(row["alone"], row["beside"], strict=True))
        lines.append(f"| {row['label']} | {row['threads']} | {alone:.4f} | {beside:.4f} | {ratio:.2f} |")
    return "\n".join(lines)


def report(document: dict[str, Any]) -> str:
    """Return what was measured, and the table, of what the JSON file holds."""
    about, rows, case = document["about"], document["rows"], document["case"]
    facts = (
        f"{case}, {document['samples']} images an epoch, medians of {len(rows[0]['alone'])} epochs in each "
        f"state; {about['machine']}, {about['date'][:10]}, commit {about['commit'][:12]}."
    )
    return f"{facts}\n\n{table(rows)}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=9, help="epochs in each state (default 9)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="numbers of threads (1 2)")
    parser.add_argument("--dataset", choices=["mnist", "digits"], default="mnist")
    parser.add_argument(
        "--json", type=Path, metavar="FILE.json", help="every sample here, the table beside it"
    )
    given = parser.parse_args(arguments)
    if not hasattr(signal, "SIGSTOP"):
        parser.error("needs a system that can stop a process and let it go on, such as Linux or macOS")
    if min(given.rounds, *given.threads) < 1:
        parser.error("--rounds and --threads must be above 0")
    train, test = getattr(xpnet.datasets, given.dataset)()
    data = Data(*(np.ascontiguousarray(array) for array in (*train, *test)))
    case = parse_case("50@100", data)
    rows = measure(case, data, given.rounds, given.threads)
    about = {"about": machine.describe(), "case": str(case), "samples": len(data.x), "rows": rows}
    print(report(about))
    if given.json is not None:
        given.json.write_text(json.dumps(about, indent=1) + "\n")
        given.json.with_suffix(".md").write_text(report(about) + "\n")


if __name__ == "__main__":
    main()
