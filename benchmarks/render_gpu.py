"""The README's table of the GPU, from `results/gpu/*.json`; `render.py` writes it."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from gpu_figures import FIGURES, NOT_RUN, read, records

BEGIN = "<!-- benchmarks of the GPU: begin, rendered by benchmarks/render.py -->"
END = "<!-- benchmarks of the GPU: end -->"

PACKAGES = ("cupy-cuda13x", "cupy-cuda12x", "numba-cuda", "torch", "jax")


def documents(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the results by the names of their files."""
    return {path.stem: read(path) for path in sorted(folder.glob("*.json"))}


def block(found: dict[str, dict[str, Any]]) -> str:
    """Return the README's block, markers included."""
    parts = [summary(document, stem) for stem, document in found.items()]
    return "\n\n".join([BEGIN, *(parts or [goals(None)]), END])


def summary(document: dict[str, Any], stem: str) -> str:
    """Return what was measured on one GPU."""
    parts = [facts(document, stem), goals(document), times(document), remarks(document)]
    return "\n\n".join(part for part in parts if part)


def facts(document: dict[str, Any], stem: str, folder: str = "benchmarks/results/gpu/") -> str:
    """Return device, driver, versions, commit and date in a paragraph; its links go to a folder."""
    about = document["about"]
    device = next(records(document, "device"), {})
    data = next(records(document, "data"), {}).get("name", "unknown")
    versions = [f"{name} {about['versions'][name]}" for name in PACKAGES if name in about["versions"]]
    runtime = device.get("cuda_runtime")
    words = [
        device.get("name") or about.get("gpu", {}).get("name", "a GPU that was not named"),
        f"driver {about.get('gpu', {}).get('driver_version', 'unknown')}",
        *([f"CUDA {runtime // 1000}.{runtime % 1000 // 10}"] if runtime else []),
        *versions,
        f"data: {data}",
        about["date"][:10],
        f"commit {short(about['commit'])}",
    ]
    files = f"{folder}{stem}"
    return f"{', '.join(words)}. [All medians]({files}.md), [raw samples]({files}.json)."


def short(commit: str) -> str:
    """Return twelve characters of a commit, and whether files differed from it."""
    name, plus, changes = commit.partition("+")
    return name[:12] + plus + changes


def goals(document: dict[str, Any] | None) -> str:
    """Return the table of goals and figures."""
    rows = [["on a GPU", "goal", "measured"]]
    rows += [[figure.name, figure.goal, figure.words(document)] for figure in FIGURES]
    return table(rows)


def table(rows: list[list[str]]) -> str:
    """Return rows as Markdown, the first being the headings."""
    lines = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    lines.insert(1, "|---" + "|---:" * (len(rows[0]) - 1) + "|")
    return "\n".join(lines)


def times(document: dict[str, Any]) -> str:
    """Return a table of contestants by nets, measured in turns; empty if nothing was compared."""
    results = [record["result"] for record in records(document, "comparison")]
    if not results:
        return ""
    columns = [{one["label"]: one for one in result["outcomes"] if not one["problems"]} for result in results]
    labels = dict.fromkeys(
        label for column in columns for label in sorted(column, key=lambda a: seconds(column[a]))
    )
    rows = [["ms an epoch, in turns (test accuracy)", *(result["name"] for result in results)]]
    rows += [[label, *(cell(column, label) for column in columns)] for label in labels]
    return table(rows)


def seconds(outcome: dict[str, Any]) -> float:
    """Return the median of a contestant's epochs."""
    return float(median(outcome["seconds"]))


def cell(column: dict[str, Any], label: str) -> str:
    """Return a contestant's time and accuracy, in bold if it is the quickest; empty if it does not count."""
    if label not in column:
        return ""
    one = column[label]
    share = "" if one["accuracy"] is None else f" ({one['accuracy']:.3f})"
    text = f"{1e3 * seconds(one):.2f}{share}"
    return f"**{text}**" if one is min(column.values(), key=seconds) else text


def remarks(document: dict[str, Any]) -> str:
    """Return how close to float64 it is, whether it repeats, the tests' counts, and what did not go well."""
    lines = [_closeness(document)]
    repeated = [
        f"{found['label'].removeprefix('xpnet ')}: {'yes' if found['same_bits'] else 'no'}"
        for found in records(document, "repeated")
    ]
    if repeated:
        lines.append(f"The same bits in two runs from the same start: {'; '.join(repeated)}.")
    for found in records(document, "pytest"):
        if "tests" not in found:
            lines.append(f"Tests unsimulated: {found['code']}.")
            continue
        failed = found.get("failures", 0) + found.get("errors", 0)
        passed = found.get("tests", 0) - failed - found.get("skipped", 0)
        lines.append(
            f"Tests unsimulated: {passed} passed, {failed} failed, {found.get('skipped', 0)} skipped."
        )
    if not document["finished"]:
        lines.append("The run was cut short.")
    others = [one for one in document["sections"] if one["status"] != "ok"]
    if others:
        lines.append(
            "Not all went well: " + "; ".join(f"{one['name']}: {one['status']}" for one in others) + "."
        )
    return " ".join(line for line in lines if line)


def _closeness(document: dict[str, Any]) -> str:
    """Return the largest error of an array's update after the most steps, of each tier and of NumPy."""
    found = list(records(document, "tier"))
    if not found:
        return ""
    steps = max(one["steps"] for one in found)
    last = {one["label"]: one for one in found if one["steps"] == steps}
    plain = max(next(iter(last.values()))["numpy_float32"]["updates"])
    errors = "; ".join(
        f"{label.removeprefix('xpnet ')} {_largest(one['errors']['updates'])}" for label, one in last.items()
    )
    return f"Updates after {steps} steps, relative error to float64: {errors}; NumPy in float32 {plain:.1e}."


def _largest(errors: list[float | None]) -> str:
    return "NaN" if None in errors else f"{max(one for one in errors if one is not None):.1e}"


def details(document: dict[str, Any], stem: str) -> str:
    """Return every series of samples as a line: section, what it is, median, smallest, largest, how many."""
    rows = [["section", "what", "median", "smallest", "largest", "samples"]]
    for part in document["sections"]:
        for record in part["records"]:
            which = ", ".join(
                f"{name} {value}"
                for name, value in record.items()
                if name != "what" and isinstance(value, str | int | float) and "error" not in record
            )
            for name, values in record.items():
                if name.endswith(("_ms", "_us")) and isinstance(values, list):
                    figures = [f"{one:.4g}" for one in (median(values), min(values), max(values))]
                    what = f"{record['what']}: {which}; {name[:-3]}, {name[-2:].replace('us', 'µs')}"
                    rows.append([part["name"], what, *figures, str(len(values))])
    states = [[one["name"], one["status"], f"{one['seconds']:.1f}"] for one in document["sections"]]
    status = table([["section", "status", "seconds"], *states])
    return (
        f"# {stem}\n\n{facts(document, stem, folder='')}\n\n{goals(document)}\n\n{status}\n\n{table(rows)}\n"
    )


__all__ = ["BEGIN", "END", "NOT_RUN", "block", "details", "documents"]
