"""The README's block is made from the results, and from nothing else."""

import importlib.util
import sys
from pathlib import Path

import pytest

from xpnet.bench.case import Case
from xpnet.bench.floor import Floor
from xpnet.bench.result import Outcome, Result
from xpnet.bench.session import Document

PATH = Path(__file__).parents[2] / "benchmarks" / "render.py"
ABOUT = {
    "machine": "a machine",
    "processor": "p",
    "date": "2026-01-02T03",
    "xpnet": "0",
    "commit": "c" * 40,
    "python": "3",
}


@pytest.fixture
def render(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_file_location("render", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(module, "README", tmp_path / "README.md")
    monkeypatch.setattr(sys, "argv", ["render.py"])
    (tmp_path / "results").mkdir()
    gpu = f"{module.render_gpu.BEGIN}\nold\n{module.render_gpu.END}"
    block = f"{module.BEGIN}\nold\n{module.END}"
    (tmp_path / "README.md").write_text(f"before\n\n{block}\n\n{gpu}\n\nafter\n")
    return module


@pytest.fixture
def document():
    def result(run, slow):
        outcomes = [Outcome("xpnet numba", [0.1] * 5, accuracy=0.96), Outcome("rival", slow, accuracy=0.95)]
        outcomes.append(Outcome("broken", error="no"))
        return Result(Case((784, 50, 10), 100), 60_000, 2, outcomes, Floor(1e11, "x", 1e10), run=run)

    return Document(ABOUT, [result(1, [0.2] * 5), result(2, [0.22] * 5)], [])


def test_rendered_and_then_up_to_date(render, document, monkeypatch):
    pytest.importorskip("matplotlib")
    document.write(render.RESULTS / "mine.json")
    assert render.main() == 0
    text = render.README.read_text()
    assert text.startswith("before\n\n")
    assert text.endswith("\n\nafter\n")
    assert "| xpnet numba | **0.1000 (0.960)** |" in text
    assert "| rival | 0.2000 (0.950) |" in text
    assert "broken" not in text
    assert "old" not in text
    assert "within 10 %" in text
    for name in ("mine.md", "mine.png"):
        assert (render.RESULTS / name).exists()
    monkeypatch.setattr(sys, "argv", ["render.py", "--check"])
    assert render.main() == 0
    render.README.write_text(text.replace("0.2000", "0.3000"))
    assert render.main() == 1


def timed(label, seconds, one, many):
    inference = [{"samples": 1, "seconds": [one] * 3}, {"samples": 10_000, "seconds": [many] * 3}]
    return Outcome(label, seconds, accuracy=0.95, inference=inference)


def result(case, *outcomes, run=1):
    return Result(case, 60_000, 2, list(outcomes), Floor(1e11, "x", 1e10), run=run)


OURS = timed("xpnet numba, compiled", [0.1, 0.1, 0.4], 2e-6, 0.004)
EAGER = timed("PyTorch eager", [0.6, 0.6, 0.6], 1.4e-5, 0.006)
SCAN = timed("JAX, scan over the epoch", [0.4, 0.2, 0.2], 3e-5, 0.002)
OTHER = timed("scikit-learn", [0.01] * 3, 1e-9, 1e-9)


def test_every_case_has_its_ratios_and_every_net_its_times(render):
    cases = [Case((784, 50, 10), 100), Case((784, 50, 10), 1), Case((784, 100, 10), 100)]
    runs = [result(case, OTHER, EAGER, OURS, SCAN) for case in cases]
    runs += [result(cases[0], EAGER, OURS, run=2), result(Case((784, 9, 10), 1), OTHER, OURS)]
    text = render.summary(Document(ABOUT, runs, []), "mine")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    nets = "784-50-10, batch 100 | 784-100-10, batch 100 | 784-9-10, batch 1"
    assert rows[0] == f"| seconds an epoch (test accuracy) | {nets} |"
    share = 100 * cases[0].flops(60_000) / 1e11 / 0.1
    ratios = (
        f"2.00 (JAX, scan over the epoch) | 6.00 | {share:.0f} % | "
        "7.00 (PyTorch eager) | 0.50 (JAX, scan over the epoch) |"
    )
    assert rows[-3] == f"| 784-50-10, batch 100 | {ratios}"
    assert rows[-2].startswith("| 784-50-10, batch 1 | 2.00 (JAX")
    assert rows[-1].startswith("| 784-100-10, batch 100 | ")  # 784-9-10 has no rival
    assert text.count("How many times as fast xpnet numba, compiled is") == 1
    assert "sweep.png" not in text


def test_epochs_within_a_fit_have_a_row_of_their_own(render):
    within = timed("xpnet numba, compiled, within a fit", [0.05] * 3, 2e-6, 0.004)
    text = render.summary(Document(ABOUT, [result(Case((784, 50, 10), 100), EAGER, OURS, within)], []), "x")
    rows = [line for line in text.splitlines() if line.startswith("| 784")]
    assert rows[0].startswith("| 784-50-10, batch 100 | 6.00 (PyTorch eager) | 6.00 |")
    assert rows[1].startswith("| 784-50-10, batch 100, within a fit | 12.00 (PyTorch eager) | 12.00 |")


def test_without_a_rival_or_without_ours_there_are_no_ratios(render):
    case = Case((784, 50, 10), 100)
    for outcomes in ([OURS, OTHER], [EAGER, SCAN]):
        assert "How many times" not in render.summary(Document(ABOUT, [result(case, *outcomes)], []), "x")


def test_a_sweep_is_shown(render):
    runs = [result(Case((784, 50, 10), 100), OURS, SCAN)]
    assert "results/x-sweep.png)" in render.summary(Document(ABOUT, runs, runs), "x")


def test_nothing_to_render(render):
    assert render.main() == 1


def test_markers_are_needed(render):
    with pytest.raises(ValueError, match="needs these two lines"):
        render.replaced("no markers", "x")


def test_the_machine_measured_last_is_shown_and_the_others_are_linked(render, document):
    other = Document({**ABOUT, "machine": "an older one", "date": "2026-01-02T02"}, document.results, [])
    text = render.block({"a": other, "b": document, "c": document})
    assert text.count("| xpnet numba | **0.1000 (0.960)** |") == 2
    assert "a machine, 2 threads each" in text
    assert (
        "Measured on other machines, before:\n\n"
        "- [an older one](benchmarks/results/a.md), 2026-01-02, commit cccccccccccc: 784-50-10, batch 100\n"
    ) in text
