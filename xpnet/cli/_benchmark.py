"""A run of `xpnet bench`: everything checked first, then measured, then written."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np

import xpnet
from xpnet.bench import contestants, machine, report
from xpnet.bench.agreement import agreement
from xpnet.bench.case import Case, Data
from xpnet.bench.result import Result
from xpnet.bench.session import STANDARD, Document, Session, parse_case, with_common_floor
from xpnet.cli._errors import user_values
from xpnet.cli._options import load_dataset
from xpnet.cli._table import table


@dataclass
class Request:
    """What `xpnet bench` was told; None where it was not."""

    backends: tuple[str, ...] | None
    vs: tuple[str, ...] | None
    dataset: str
    cases: tuple[str, ...]
    epochs: int
    no_zeros: bool
    samples: int | None
    threads: int
    runs: int
    machine: str | None
    json: Path | None
    markdown: Path | None
    plot: Path | None
    sweep: bool | None
    choose: bool
    label: str | int | None = None
    header: bool | None = None
    drop: tuple[str | int, ...] = ()


class Benchmark:
    """One command, ready to start.

    Parameters
    ----------
    request : Request
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        with user_values():
            self.entries = contestants.of_backends(request.backends)
            # Beside a GPU the rivals must compute there too.
            on_gpu = any(entry.on_gpu for entry in self.entries)
            of_rivals = contestants.of_gpu_rivals if on_gpu else contestants.of_rivals
            rivals = of_rivals(request.vs or ())
        self.entries += [entry for entry in rivals if self._present(entry)]
        train, test = load_dataset(
            request.dataset, label=request.label, header=request.header, drop=request.drop, to_train=True
        )
        data = Data(*(np.ascontiguousarray(array) for array in (*train, *test)))
        self.data = data.without_zeros() if request.no_zeros else data
        with user_values():
            self.cases = [self._case(text) for text in _spelled_out(request.cases)]

    def _present(self, entry: contestants.Entry) -> bool:
        if contestants.installed(entry):
            return True
        click.echo(f"xpnet: {entry.label} is left out: it is not installed", err=True)
        return False

    def _case(self, text: str) -> Case:
        case, request = parse_case(text, self.data), self.request
        return replace(case, samples=request.samples, no_zeros=request.no_zeros)

    def run(self) -> bool:
        """Measure, print and write; return whether everybody's time counts."""
        session = Session(self.data, self.request.threads, self.request.epochs, _say)
        results: list[Result] = []
        for run in range(1, self.request.runs + 1):
            for case in self.cases:
                results.append(session.run(case, self.entries, run))
                results = with_common_floor(results)
                _print(results[-1])
        if agreed := agreement(results):
            click.echo(agreed)
        click.echo(report.LEGEND)
        wanted = self.request.plot is not None if self.request.sweep is None else self.request.sweep
        sweep: list[Result] = []
        if wanted:
            sweep = session.sweep(self.entries, self.cases[0].sizes[1:-1], results[0].floor)
        self._write(Document(machine.describe(self.request.machine), results, sweep))
        return all(one.counts for result in results for one in result.outcomes)

    def _write(self, document: Document) -> None:
        request = self.request
        if request.json is not None:
            document.write(request.json)
        if request.markdown is not None:
            request.markdown.write_text(report.markdown(document.results, document.about))
        if request.plot is not None:
            from xpnet.bench import picture

            picture.write(picture.bars(document.results), request.plot)
            if document.sweep:
                path = request.plot.with_stem(request.plot.stem + "-sweep")
                picture.write(picture.sweep(document.sweep), path)

    def choose(self) -> None:
        """Print which backend is the quickest for each case, and where the order changes."""
        from xpnet.training.choice import choose

        for case in self.cases:
            net = xpnet.nets.MultiLayerNet(case.sizes[0], case.sizes[1:-1], case.sizes[-1], seed=case.seed)
            choice = choose(net, self.data.x, self.data.t, batch_size=case.batch, crossover=True)
            click.echo(f"{case}: {choice}")


def _spelled_out(cases: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one for case in cases for one in (STANDARD if case == "all" else (case,)))


def _say(line: str) -> None:
    """Say on a terminal what goes on, in one line that the next replaces."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{line}", nl=False, err=True)


def _print(result: Result) -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)
    click.echo(report.title(result))
    if result.counting:
        click.echo(table(report.rows(result), report.NUMBERS))
    for line in report.remarks(result):
        click.echo(line)
    click.echo()
