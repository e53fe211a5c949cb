"""A run of `xpnet bench`: cases, contestants in processes of their own, and the document that keeps all."""

from __future__ import annotations

import functools
import json
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xpnet._atomic import write_atomically
from xpnet.bench.case import Case, Data
from xpnet.bench.compare import Comparison
from xpnet.bench.contestants import Entry
from xpnet.bench.floor import Floor
from xpnet.bench.remote import RemotePlayer, write_data
from xpnet.bench.result import Result, from_dict

SCHEMA = 1

STANDARD = ("50@100", "50@10", "50@1", "50@1000", "100@100", "256,128@128", "1024,1024@256")
"""The cases of `--case all`."""

SWEEP_BATCHES = (1, 10, 100, 1000, 10_000)
SWEEP_WIDTHS = (10, 50, 250, 1000, 4000)
SWEEP_EPOCHS = 3


@dataclass(frozen=True)
class Document:
    """What one JSON file holds.

    Attributes
    ----------
    about : dict
        Machine, commit, versions, date; see `machine.describe`.
    results : list of Result
    sweep : list of Result
        Short runs over batch sizes, and over widths.
    """

    about: dict[str, Any]
    results: list[Result]
    sweep: list[Result]

    def write(self, path: Path) -> None:
        """Write JSON."""
        plain = {
            "schema": SCHEMA,
            "about": self.about,
            "results": [result.to_dict() for result in self.results],
            "sweep": [result.to_dict() for result in self.sweep],
        }
        write_atomically(path, (json.dumps(_without_nan(plain), indent=1) + "\n").encode())


def read(path: Path) -> Document:
    """Read what `Document.write` wrote.

    Raises
    ------
    ValueError
        If it is of another schema.
    """
    plain = json.loads(path.read_text())
    if plain.get("schema") != SCHEMA:
        raise ValueError(f"{path} is of schema {plain.get('schema')}, expected {SCHEMA}; measure anew")
    results, sweep = ([from_dict(one) for one in plain[name]] for name in ("results", "sweep"))
    return Document(plain["about"], results, sweep)


def with_common_floor(results: Sequence[Result]) -> list[Result]:
    """Give all results of a session the best rates measured in any of them: the machine is one."""
    floor = max((result.floor for result in results), key=lambda one: one.gemm)
    floor = replace(floor, bandwidth=max(result.floor.bandwidth for result in results))
    return [replace(result, floor=floor) for result in results]


def default_lr(batch: int) -> float:
    """Return a learning rate that trains: 0.1 from batches of 33, and less below, where 0.1 would diverge."""
    return min(0.1, 0.003 * batch)


def parse_case(text: str, data: Data) -> Case:
    """Return the case that e.g. `256,128@128` means: hidden widths, then the batch.

    Raises
    ------
    ValueError
        If it means none.
    """
    hidden, _, batch = text.partition("@")
    try:
        numbers = [int(batch), *map(int, hidden.split(","))]
    except ValueError:
        numbers = [0]
    if min(numbers) < 1:
        raise ValueError(f"case {text!r}; give hidden widths and batch, e.g. 50@100 or 256,128@128")
    return case_of(numbers[1:], numbers[0], data)


def case_of(hidden: Sequence[int], batch: int, data: Data) -> Case:
    """Return the case of a net for these data."""
    return Case((data.x.shape[1], *hidden, 1 + int(data.t.max())), batch, default_lr(batch))


@dataclass(frozen=True)
class Session:
    """Runs cases.

    Parameters
    ----------
    data : Data
    threads, epochs : int
    say : callable
        Told in a line what goes on.
    """

    data: Data
    threads: int
    epochs: int
    say: Callable[[str], None] = lambda line: None

    def run(self, case: Case, entries: Sequence[Entry], run: int = 1, floor: Floor | None = None) -> Result:
        """Compare the entries, each in a process of its own that starts afresh."""
        with tempfile.TemporaryDirectory(prefix="xpnet-bench-") as name:
            folder = Path(name)
            write_data(self.data.first(case.samples), folder)
            players = {
                entry.label: functools.partial(
                    RemotePlayer, entry.spec, entry.options, case, folder, f"player{index}", self.threads
                )
                for index, entry in enumerate(entries)
            }
            result = Comparison(
                case,
                self.data,
                players,
                epochs=self.epochs,
                threads=self.threads,
                floor=floor,
                say=self.say,
            ).run()
            return replace(result, run=run)

    def sweep(self, entries: Sequence[Entry], hidden: Sequence[int], floor: Floor) -> list[Result]:
        """Measure throughput against the batch size, and against the width of one hidden layer."""
        cases = [case_of(hidden, batch, self.data) for batch in SWEEP_BATCHES]
        cases += [case_of((width,), 100, self.data) for width in SWEEP_WIDTHS]
        quick = [entry for entry in entries if not entry.slow_to_compile]
        short, once = replace(self, epochs=SWEEP_EPOCHS), dict.fromkeys(cases)
        return [short.run(_shortened(case, len(self.data.x)), quick, floor=floor) for case in once]


def _shortened(case: Case, samples: int) -> Case:
    """Let an epoch visit only as many samples as take a fraction of a second."""
    affordable = int(2e10 / case.flops(1))
    wanted = min(max(affordable, 20 * case.batch), 5000 * case.batch, samples)
    return replace(case, samples=max(wanted // case.batch, 1) * case.batch)


def _without_nan(value: Any) -> Any:
    """Replace NaN, which JSON has not, by None."""
    if isinstance(value, dict):
        return {name: _without_nan(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value
