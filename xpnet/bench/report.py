"""The comparison in words: a table for the terminal, and one in Markdown."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from xpnet.bench.agreement import agreement
from xpnet.bench.result import Outcome, Result

HEADINGS = (
    "contestant",
    "s an epoch",
    "spread",
    "images/s",
    "time ratio",
    "of the floor",
    "accuracy",
    "compile s",
    "one image",
    "10,000",
    "peak MiB",
)
NUMBERS = tuple(range(1, len(HEADINGS)))

LEGEND = (
    "s an epoch: median; spread: half of what the middle half of the epochs spans. time ratio: to the "
    "quickest, pair by pair in each round. of the floor: the least time that this machine's measured GEMM "
    "rate and memory bandwidth allow for the work, as a share of the time taken. accuracy: on the test data "
    "after the last epoch. compile: what the first epochs took longer. one image, 10,000: inference of so "
    "many. peak: memory of the process, the data included."
)


def rows(result: Result) -> list[tuple[str, ...]]:
    """Return the headings and a row for each contestant whose time counts, the quickest first."""
    ranked = result.counting
    return [HEADINGS, *(_row(result, one, ranked[0]) for one in ranked)]


def _row(result: Result, one: Outcome, best: Outcome) -> tuple[str, ...]:
    return (
        one.label,
        f"{one.median:.4f}",
        f"±{100 * one.spread:.0f} %",
        f"{result.images(one):,.0f}",
        f"{result.ratio(one, best):.2f}",
        f"{100 * result.floor_seconds / one.median:.0f} %",
        "" if math.isnan(one.accuracy) else f"{one.accuracy:.4f}",
        f"{one.compile_seconds:.1f}",
        *(short_time(statistics.median(kind["seconds"])) for kind in one.inference),
        f"{one.peak_bytes / 2**20:.0f}" if one.peak_bytes else "",
    )


def short_time(seconds: float) -> str:
    """Return a time with its unit: `12.3 µs`, `4.5 ms`, `1.20 s`."""
    if seconds < 1e-3:
        return f"{1e6 * seconds:.1f} µs"
    return f"{1e3 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def title(result: Result) -> str:
    """Return the case, the protocol and the floor in a line."""
    epochs = max((len(one.seconds) for one in result.outcomes), default=0)
    threads = f"{result.threads} thread{'s' if result.threads > 1 else ''} each"
    return (
        f"{result.case}, SGD {result.case.lr:g}, float32: {result.samples} images an epoch, {epochs} timed "
        f"epochs in turns, {threads}; floor {result.floor_seconds:.4f} s "
        f"(GEMM {result.floor.gemm / 1e9:.0f} GFLOP/s by {result.floor.gemm_by}, "
        f"memory {result.floor.bandwidth / 1e9:.0f} GB/s)"
    )


def remarks(result: Result) -> list[str]:
    """Return what a reader must know: who failed, whose mathematics differs, whether the machine was busy."""
    lines = [
        f"{one.label} DOES NOT COUNT: {problem}" for one in result.outcomes for problem in one.problems[:3]
    ]
    lines += [f"{one.label}: {one.facts['differs']}" for one in result.outcomes if one.facts.get("differs")]
    if result.busy > 0.1:
        lines.append(
            f"other programs used {100 * result.busy:.0f} % of the processors meanwhile: measure in quiet"
        )
    return lines


def markdown(results: Sequence[Result], about: dict[str, object]) -> str:
    """Return every case as a Markdown table, with what it was measured on."""
    parts = [
        f"Measured on {about['machine']} ({about['processor']}), {about['date']}, xpnet {about['xpnet']} at "
        f"commit {str(about['commit'])[:12]}, Python {about['python']}; {versions(results)}.",
    ]
    for result in results:
        table = rows(result)
        lines = [f"| {' | '.join(row)} |" for row in table]
        lines.insert(1, "|---" + "|---:" * len(NUMBERS) + "|")
        parts += [f"**{result.case}**" + (f", run {result.run}" if result.run > 1 else ""), "\n".join(lines)]
        parts += [f"- {line}" for line in [title(result), *remarks(result)]]
    parts += [line for line in [agreement(results)] if line]
    return "\n\n".join(parts) + f"\n\n{LEGEND}\n"


def versions(results: Sequence[Result]) -> str:
    """Return the versions of everybody's packages, once each."""
    found = {
        f"{name} {what}"
        for result in results
        for one in result.outcomes
        for name, what in one.facts.get("versions", {}).items()
    }
    return ", ".join(sorted(found, key=str.lower))
