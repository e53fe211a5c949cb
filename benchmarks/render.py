"""Write the README's table and pictures from the raw results: `python benchmarks/render.py [--check]`.

Every `results/*.json` that `xpnet bench --json` wrote gets its full tables (`results/NAME.md`) and its
pictures (`results/NAME.png`, `results/NAME-sweep.png`). The README's block between the markers gets, of the
machine that was measured last, the times of one case a net, xpnet's ratios in all cases, and the pictures,
and of the others a link; the second block, of the GPU, comes from `results/gpu/*.json` (see `render_gpu`).
With `--check` nothing is written and the exit code is 1 if the blocks are not what the results say.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import render_gpu

from xpnet.bench import picture, report
from xpnet.bench.agreement import agreement
from xpnet.bench.result import Outcome, Result
from xpnet.bench.session import Document, read

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results"
README = FOLDER.parent / "README.md"
BEGIN, END = "<!-- benchmarks: begin, rendered by benchmarks/render.py -->", "<!-- benchmarks: end -->"

OURS = ("xpnet graph", "xpnet numba, compiled")
"""Whose ratios are shown: the first of these that was measured."""

WITHIN = ", within a fit"
"""What one of them is called besides where its epochs are those of a fit that has begun."""

RIVALS = ("PyTorch", "JAX")


def summary(document: Document, stem: str) -> str:
    """Return the two tables and the pictures, with links to everything they came from."""
    first = [result for result in document.results if result.run == 1]
    pictures = [f"![Throughput by contestant](benchmarks/results/{stem}.png)"]
    if document.sweep:
        sweep = f"benchmarks/results/{stem}-sweep.png"
        pictures.append(f"![Throughput against batch size and width]({sweep})")
    return "\n\n".join([_facts(document, stem), _times(first), *_ratios(first), *pictures])


def _facts(document: Document, stem: str) -> str:
    about, first = document.about, document.results[0]
    threads = f"{first.threads} thread{'s' if first.threads > 1 else ''}"
    epochs = len(first.counting[0].seconds)
    facts = (
        f"{about['machine']}, {threads} each, float32, SGD; medians of {epochs} epochs "
        f"of {first.samples:,} images in turns; "
        f"{_made(about)}. {agreement(document.results)} "
        f"[All figures](benchmarks/results/{stem}.md), [raw samples](benchmarks/results/{stem}.json)."
    )
    return " ".join(facts.split())


def _times(results: list[Result]) -> str:
    """Return a table of contestants by nets; a net has the batch that was measured first."""
    results = list({result.case.sizes: result for result in reversed(results)}.values())[::-1]
    labels = list(dict.fromkeys(one.label for result in results for one in result.counting))
    rows = [["seconds an epoch (test accuracy)", *(str(result.case) for result in results)]]
    rows += [[label, *(_cell(result, label) for result in results)] for label in labels]
    rows.append(["*the floor*", *(f"*{result.floor_seconds:.4f}*" for result in results)])
    return _table(rows)


def _table(rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|---" + "|---:" * (len(rows[0]) - 1) + "|")
    return "\n".join(lines)


def _cell(result: Result, label: str) -> str:
    one = _named(result, label)
    if one is None:
        return ""
    text = f"{one.median:.4f} ({one.accuracy:.3f})"
    return f"**{text}**" if one is result.counting[0] else text


def _named(result: Result, label: str) -> Outcome | None:
    return next((one for one in result.counting if one.label == label), None)


def _ratios(results: list[Result]) -> list[str]:
    """Return what is shown and a table of it, a row for each case in which xpnet and a rival count."""
    label = next((ours for ours in OURS if any(_named(result, ours) for result in results)), "")
    kinds = ("", WITHIN)
    rows = [row for one in results for kind in kinds if (row := _ratio_row(one, label, kind))]
    if not rows:
        return []
    words = (
        f"How many times as fast {label} is, above 1 where it is the quicker one; the best is the quickest "
        "way of PyTorch and JAX, chosen for each figure:"
    )
    heads = ["training: the best", "PyTorch eager", "of the floor", "one image: the best", "10,000: the best"]
    return [words, _table([["", *heads], *rows])]


def _ratio_row(result: Result, label: str, kind: str) -> list[str]:
    ours = _named(result, label + kind)
    rivals = [one for one in result.counting if one.label.startswith(RIVALS)]
    if ours is None or not rivals:
        return []
    eager = _named(result, "PyTorch eager")
    return [
        f"{result.case}{kind}",
        f"{result.ratio(rivals[0], ours):.2f} ({rivals[0].label})",
        f"{result.ratio(eager, ours):.2f}" if eager is not None else "",
        f"{100 * result.floor_seconds / ours.median:.0f} %",
        *(_inference(ours, rivals, number) for number in range(len(ours.inference))),
    ]


def _inference(ours: Outcome, rivals: list[Outcome], number: int) -> str:
    """Return a ratio of the medians of all calls: a turn makes as many as there is time for."""
    times = [(statistics.median(one.inference[number]["seconds"]), one.label) for one in rivals]
    best, label = min(times)
    return f"{best / statistics.median(ours.inference[number]['seconds']):.2f} ({label})"


def block(documents: dict[str, Document]) -> str:
    """Return the README's block, markers included."""
    last = max(documents.values(), key=lambda document: document.about["date"]).about["machine"]
    parts, others = [], []
    for stem, document in documents.items():
        about = document.about
        if about["machine"] == last:
            parts.append(summary(document, stem))
        else:
            cases = "; ".join(dict.fromkeys(str(result.case) for result in document.results))
            others.append(f"- [{about['machine']}](benchmarks/results/{stem}.md), {_made(about)}: {cases}")
    if others:
        parts.append("\n".join(["Measured on other machines, before:\n", *others]))
    return "\n\n".join([BEGIN, *parts, END])


def _made(about: dict[str, str]) -> str:
    return f"{about['date'][:10]}, commit {about['commit'][:12]}"


def replaced(text: str, new: str, begin: str = BEGIN, end: str = END) -> str:
    """Return the README's text with its block between two markers replaced.

    Raises
    ------
    ValueError
        If the markers are not there, once each and in order.
    """
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(end) < text.index(begin):
        raise ValueError(f"{README.name} needs these two lines, once each: {begin} and {end}")
    return text[: text.index(begin)] + new + text[text.index(end) + len(end) :]


def draw(document: Document, stem: str) -> None:
    """Write a document's tables and pictures beside it."""
    (RESULTS / f"{stem}.md").write_text(f"# {stem}\n\n{report.markdown(document.results, document.about)}")
    picture.write(picture.bars(document.results), RESULTS / f"{stem}.png")
    if document.sweep:
        picture.write(picture.sweep(document.sweep), RESULTS / f"{stem}-sweep.png")


def main() -> int:
    """Render; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if the README is out of date")
    check = parser.parse_args().check
    documents = {path.stem: read(path) for path in sorted(RESULTS.glob("*.json"))}
    if not documents:
        print(f"no results in {RESULTS}; make one: xpnet bench --json benchmarks/results/NAME.json")
        return 1
    before = README.read_text()
    gpus = render_gpu.documents(RESULTS / "gpu")
    after = replaced(before, block(documents))
    after = replaced(after, render_gpu.block(gpus), render_gpu.BEGIN, render_gpu.END)
    if check:
        print("up to date" if after == before else f"{README.name} is not what the results say: render it")
        return int(after != before)
    for stem, document in documents.items():
        draw(document, stem)
    for stem, gpu in gpus.items():
        (RESULTS / "gpu" / f"{stem}.md").write_text(render_gpu.details(gpu, stem))
    README.write_text(after)
    print(f"rendered {', '.join([*documents, *gpus])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
