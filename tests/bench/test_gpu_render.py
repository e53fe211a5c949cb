"""The README's table of the GPU: from a made-up result in a temporary folder, and from none."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import gpu_figures
import render_gpu

ABOUT = {
    "commit": "c" * 40 + "+changes",
    "date": "2026-01-02T03:04:05+00:00",
    "versions": {"torch": "9.9", "cupy-cuda13x": "8.8", "numpy": "7.7"},
    "gpu": {"name": "a GPU", "driver_version": "123.4"},
}
SMALL, WIDE = gpu_figures.SMALL, gpu_figures.WIDE


def section(name, *records, status="ok"):
    return {
        "name": name,
        "status": status,
        "seconds": 1.0,
        "limit": 60,
        "code": 0,
        "tail": "",
        "records": records,
    }


def fit(label, milliseconds, accuracy):
    return {"what": "fit", "label": label, "net": SMALL, "wall_ms": milliseconds, "accuracy": accuracy}


def outcome(label, seconds, problems=(), accuracy=0.9):
    return {"label": label, "seconds": seconds, "problems": list(problems), "accuracy": accuracy}


def comparison():
    outcomes = [
        outcome("xpnet persistent", [0.002, 0.004, 0.002], accuracy=0.9701),
        outcome("PyTorch eager", [0.2, 0.2, 0.2]),
        outcome("PyTorch CUDA graph of 20 steps", [0.012, 0.016, 0.010]),
        outcome("JAX, scan over the epoch", [0.014, 0.014, 0.014], accuracy=None),
        outcome("PyTorch CUDA graph of a step", [0.001, 0.001, 0.001], ["half of the steps"]),
    ]
    result = {"name": "784-50-10, batch 100", "outcomes": outcomes}
    return {"what": "comparison", "net": SMALL, "result": result}


def tier(label, steps, worst):
    plain = {"updates": [1e-4, 1e-5]}
    errors = {"updates": [1e-5, worst]}
    return {"what": "tier", "label": label, "steps": steps, "errors": errors, "numpy_float32": plain}


def products():
    step = {"what": "step", "net": WIDE, "samples": 60_000}
    return [
        {**step, "kind": "fp32", "batch": 4096, "device_ms": [0.8]},
        {**step, "kind": "fp32", "batch": 2656, "device_ms": [0.5]},
        {**step, "kind": "tf32", "error": "RuntimeError: no tensor cores"},
    ]


@pytest.fixture
def document():
    device = {"what": "device", "name": "a GPU", "cuda_runtime": 13010}
    wide = {"what": "epochs", "label": "xpnet graph", "net": WIDE, "tf32": False, "device_ms": [13.0]}
    fits = [
        fit("xpnet persistent", [2.0, 9.0, 3.0], 0.9700),
        fit("xpnet graph", [11.0, 12.0, 13.0], 0.9690),
        fit("xpnet on the CPU", [80.0], 0.9702),
    ]
    tiers = [
        tier("xpnet persistent", 600, 2e-4),
        tier("xpnet persistent", 1, 9),
        tier("xpnet graph", 600, None),
    ]
    repeated = {"what": "repeated", "label": "xpnet persistent", "same_bits": False}
    tests = {"what": "pytest", "tests": 10, "failures": 1, "errors": 1, "skipped": 2}
    sections = [
        section("correctness", *tiers, repeated),
        section("environment", {"what": "data", "name": "MNIST"}, device),
        section("epochs, small", *fits),
        section("peers, small", comparison()),
        section("gemms", *products(), status="failed"),
        section("epochs, wide", wide),
        section("tests", tests),
    ]
    return {"schema": 1, "kind": "gpu", "about": ABOUT, "finished": True, "sections": sections}


def rows(text):
    return [line for line in text.splitlines() if line.startswith("| ")]


def test_without_a_result_every_figure_is_not_yet_run(tmp_path):
    text = render_gpu.block(render_gpu.documents(tmp_path))
    assert len(rows(text)) == 1 + len(gpu_figures.FIGURES)
    assert all(row.endswith("| not yet run on a GPU |") for row in rows(text)[1:])


def test_the_readme_as_it_stands_is_what_the_results_say():
    root = Path(__file__).parents[2]
    text = (root / "README.md").read_text()
    block = render_gpu.block(render_gpu.documents(root / "benchmarks" / "results" / "gpu"))
    assert block in text


def test_a_suite_that_was_cut_short_has_no_counts(tmp_path, document):
    document["sections"][-1] = section("tests", {"what": "pytest", "code": "not finished within 9 s"})
    (tmp_path / "mine.json").write_text(json.dumps(document))
    assert "Tests unsimulated: not finished within 9 s." in render_gpu.block(render_gpu.documents(tmp_path))


def test_a_result_becomes_goals_figures_and_a_table(tmp_path, document):
    (tmp_path / "mine.json").write_text(json.dumps(document))
    text = render_gpu.block(render_gpu.documents(tmp_path))
    assert (
        "a GPU, driver 123.4, CUDA 13.1, cupy-cuda13x 8.8, torch 9.9, data: MNIST, 2026-01-02, commit "
        "cccccccccccc+changes. [All medians](benchmarks/results/gpu/mine.md), [raw samples]" in text
    )
    _, persistent, captured, eager, graph, products, tf32, accuracy, *_ = rows(text)
    assert persistent.endswith("| at most 5 ms | 3.00 ms (2.00 to 9.00 in 3 epochs), reached |")
    assert captured.endswith("| 5.00 times (PyTorch CUDA graph of 20 steps), reached |")
    assert eager.endswith("| at least 30 times | 100.00 times (PyTorch eager), reached |")
    assert graph.endswith("| 12.00 ms (11.00 to 13.00 in 3 epochs), **not reached** |")
    alone = 14 * 0.8 + 0.5
    assert products.endswith(f"| {alone / 13:.2f} ({alone:.2f} of 13.00 ms an epoch), reached |")
    assert tf32.endswith("| not measured: RuntimeError: no tensor cores |")
    assert accuracy.endswith("| 0.12 points (on the CPU 0.9702, persistent 0.9700, graph 0.9690), reached |")
    assert "| xpnet persistent | **2.00 (0.970)** |" in text
    assert "| JAX, scan over the epoch | 14.00 |" in text
    assert "of a step" not in text
    assert (
        "Updates after 600 steps, relative error to float64: persistent 2.0e-04; graph NaN; NumPy in float32 "
        "1.0e-04. The same bits in two runs from the same start: persistent: no." in text
    )
    assert "Tests unsimulated: 6 passed, 2 failed, 2 skipped." in text
    assert "Not all went well: gemms: failed." in text


def test_the_details_hold_every_series(document):
    text = render_gpu.details(document, "mine")
    assert (
        "| epochs, small | fit: label xpnet graph, net 50@100, accuracy 0.969; wall, ms | 12 | 11 | 13 | 3 |"
        in text
    )
    assert "| gemms | failed | 1.0 |" in text
    assert text.count("; device, ms") == 3


def test_what_was_not_measured_says_why(document):
    del document["sections"][2:]
    document["sections"].append(section("epochs, small", status="did not end within 90 s"))
    found = [figure.words(document) for figure in gpu_figures.FIGURES]
    assert found[0] == "not measured: the section 'epochs, small' did not end within 90 s"
    assert found[1] == "not measured: the section 'peers, small' was left out"
    assert render_gpu.times(document) == ""
    assert "cut short" not in render_gpu.remarks(document)
    assert "The run was cut short." in render_gpu.remarks(document | {"finished": False})


def test_a_contestant_that_does_not_count_makes_no_ratio(document):
    outcomes = document["sections"][3]["records"][0]["result"]["outcomes"]
    outcomes[0]["problems"] = ["the losses are far away"]
    words = gpu_figures.FIGURES[1].words(document)
    assert words == "not measured: xpnet persistent: the losses are far away"
    document["sections"][3]["records"][0]["result"]["outcomes"] = outcomes[1:2]
    assert gpu_figures.FIGURES[2].words(document) == "not measured: xpnet persistent took no part"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"kind": "dry run: nothing was measured"}, "no result of benchmarks/gpu.py"),
        ({"schema": 9}, "no result of benchmarks/gpu.py"),
        ({"about": {**ABOUT, "commit": "unknown"}}, "does not say of which commit"),
    ],
)
def test_what_is_no_result_is_refused(tmp_path, document, changed, words):
    (tmp_path / "x.json").write_text(json.dumps(document | changed))
    with pytest.raises(ValueError, match=words):
        render_gpu.documents(tmp_path)
