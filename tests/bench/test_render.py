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
    (tmp_path / "README.md").write_text(f"before\n\n{module.BEGIN}\nold\n{module.END}\n\nafter\n")
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


def test_nothing_to_render(render):
    assert render.main() == 1


def test_markers_are_needed(render):
    with pytest.raises(ValueError, match="needs these two lines"):
        render.replaced("no markers", "x")
