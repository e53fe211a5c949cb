"""The comparison in pictures: throughput by contestant, and throughput against batch size and width."""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpnet._atomic import write_atomically
from xpnet.bench.result import Outcome, Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OURS, RIVAL = "tab:blue", "tab:gray"


def bars(results: Sequence[Result]) -> Figure:
    """Draw images a second for each contestant, one panel a case.

    The thin line spans all timed epochs. The dashed line is the floor: what the measured GEMM rate allows.
    """
    cases = [result for result in results if result.run == 1 and result.counting]
    columns = min(len(cases), 2)
    rows = -(-len(cases) // columns)
    height = 0.9 + 0.34 * max(len(result.counting) for result in cases)
    figure: Figure = _figure(8 * columns, height * rows)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, result in zip(panels, cases, strict=False):
        _draw_bars(axes, result)
    for axes in panels[len(cases) :]:
        axes.set_axis_off()
    return figure


def _draw_bars(axes: Any, result: Result) -> None:
    ranked = result.counting[::-1]
    for row, one in enumerate(ranked):
        rate = result.images(one)
        slow, quick = result.samples / max(one.seconds), result.samples / min(one.seconds)
        color = OURS if one.label.startswith("xpnet") else RIVAL
        axes.barh(row, rate, color=color, height=0.7)
        axes.plot([slow, quick], [row, row], color="black", linewidth=1)
        axes.text(max(rate, quick), row, f" {rate:,.0f}", va="center", fontsize=9)
    floor = result.samples / result.floor_seconds
    highest = max(result.samples / min(one.seconds) for one in ranked)
    words = f"images a second (the floor allows {floor:,.0f})"
    if floor < 1.6 * highest:
        axes.axvline(floor, color="tab:red", linestyle="--", linewidth=1)
    axes.set_xlim(0, 1.25 * highest)
    axes.locator_params(axis="x", nbins=5)  # more numbers of six figures run into each other
    axes.set_yticks(range(len(ranked)), [one.label for one in ranked])
    axes.set_title(f"{result.case}, {result.threads} thread{'s' if result.threads > 1 else ''}", fontsize=11)
    axes.set_xlabel(words)
    axes.xaxis.set_major_formatter(lambda value, position: f"{value:,.0f}")
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)


def sweep(results: Sequence[Result]) -> Figure:
    """Draw images a second against the batch size and against the hidden layer's width.

    Where the line of a GPU crosses a CPU's, the GPU starts to win.
    """
    widths = [result for result in results if result.case.batch == 100 and len(result.case.sizes) == 3]
    common = results[0].case.sizes
    batches = [result for result in results if result.case.sizes == common]
    figure: Figure = _figure(12, 4.8)
    left, right = figure.subplots(1, 2, sharey=False)
    _draw_lines(left, {result.case.batch: result for result in batches})
    left.set(xlabel="batch size", ylabel="images a second", title=f"{batches[0].case.net}: batch size")
    _draw_lines(right, {result.case.sizes[1]: result for result in widths})
    sizes = widths[0].case.sizes
    right.set(xlabel="width of the hidden layer", title=f"{sizes[0]}-width-{sizes[-1]}, batch 100: width")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _draw_lines(axes: Any, points: dict[int, Result]) -> None:
    labels = list(dict.fromkeys(one.label for result in points.values() for one in result.outcomes))
    for number, label in enumerate(labels):
        found: list[tuple[int, float, Outcome]] = []
        for x in sorted(points):
            found += [(x, points[x].images(o), o) for o in points[x].counting if o.label == label]
        ours = label.startswith("xpnet")
        axes.plot(
            [x for x, _, _ in found],
            [rate for _, rate, _ in found],
            marker="o",
            markersize=4,
            linewidth=2 if ours else 1.2,
            linestyle="-" if ours else "--",
            color=f"C{number}",
            label=label,
        )
    axes.set(xscale="log", yscale="log")
    axes.set_xticks(sorted(points), [f"{x:,}" for x in sorted(points)])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda value, position: f"{value:,.0f}")
    axes.grid(alpha=0.3)


def write(figure: Figure, path: Path) -> None:
    """Write a figure to a file whose suffix chooses the format."""
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:].lower(), dpi=120)
    write_atomically(path, picture.getvalue())


def _figure(width: float, height: float) -> Any:
    return importlib.import_module("matplotlib.figure").Figure(figsize=(width, height), layout="constrained")
