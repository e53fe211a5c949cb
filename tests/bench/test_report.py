"""The table, the Markdown, the pictures: from samples that are made up, so that every figure is known."""

import pytest

from xpnet.bench import picture, report
from xpnet.bench.case import Case
from xpnet.bench.checks import Check
from xpnet.bench.floor import Floor, bandwidth
from xpnet.bench.result import Outcome, Result
from xpnet.bench.session import with_common_floor

FLOOR = Floor(gemm=1e11, gemm_by="a library", bandwidth=1e10)
ABOUT = {"machine": "m", "processor": "p", "date": "d", "xpnet": "0", "commit": "c" * 40, "python": "3"}


def outcome(label, seconds, **more):
    inference = [{"samples": 1, "seconds": [2e-5, 3e-5, 4e-5]}, {"samples": 10_000, "seconds": [0.002]}]
    return Outcome(label, seconds, accuracy=0.95, inference=inference, peak_bytes=2**28, **more)


@pytest.fixture
def result():
    quick = outcome("xpnet numba", [0.1, 0.1, 0.2], first=1.0, first_share=1.5)
    slow = outcome(
        "PyTorch eager", [0.3, 0.4, 0.4], facts={"versions": {"torch": "2"}, "differs": "a little"}
    )
    wrong = outcome("wrong", [0.01] * 3, checks=[Check("steps", 3, 0, "half the steps")])
    dead = Outcome("dead", error="out of luck")
    return Result(Case((784, 50, 10), 100), 60_000, 2, [slow, wrong, quick, dead], FLOOR, busy=0.3)


def test_figures(result):
    slow, wrong, quick, _ = result.outcomes
    assert result.counting == [quick, slow]
    assert result.floor_seconds == pytest.approx(result.case.flops(60_000) / 1e11)
    assert result.images(quick) == 600_000
    assert result.ratio(slow, quick) == pytest.approx(3.0)  # of 3, 4 and 2: round by round
    assert quick.spread == pytest.approx(0.25)
    assert quick.compile_seconds == pytest.approx(0.85)
    assert not wrong.counts


def test_the_floor_is_the_memorys_where_the_arithmetic_is_little():
    case = Case((784, 10), 100)
    narrow = Floor(gemm=1e15, gemm_by="", bandwidth=1e9)
    assert narrow.seconds(case, 1000) == pytest.approx(784 * 4 * 1000 / 1e9)
    assert bandwidth(1, mebibytes=8) > 1e8


def test_one_machine_has_one_floor(result):
    other = Result(result.case, 60_000, 2, [], Floor(gemm=2e11, gemm_by="another", bandwidth=5e9), run=2)
    for one in with_common_floor([result, other]):
        assert one.floor == Floor(2e11, "another", 1e10)


def test_the_table(result):
    headings, first, second = report.rows(result)
    assert len(headings) == len(first) == len(second)
    assert first[:5] == ("xpnet numba", "0.1000", "±25 %", "600,000", "1.00")
    assert first[6:] == ("0.9500", "0.8", "30.0 µs", "2.0 ms", "256")
    remarks = report.remarks(result)
    assert remarks[0] == "wrong DOES NOT COUNT: half the steps"
    assert remarks[1] == "dead DOES NOT COUNT: out of luck"
    assert remarks[2] == "PyTorch eager: a little"
    assert "other programs used 30 %" in remarks[3]


def test_the_markdown_is_a_table_with_its_machine(result):
    text = report.markdown([result], ABOUT)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 4
    assert len({row.count("|") for row in rows}) == 1
    assert "commit cccccccccccc," in text
    assert "torch 2" in text


def test_the_pictures(result, tmp_path):
    pytest.importorskip("matplotlib")
    picture.write(picture.bars([result]), tmp_path / "bars.png")
    short = [
        Result(Case((784, *hidden, 10), batch), 1000, 2, result.outcomes, FLOOR)
        for hidden, batch in [((50,), 1), ((50,), 100), ((16,), 100), ((64,), 100)]
    ]
    picture.write(picture.sweep(short), tmp_path / "sweep.svg")
    assert (tmp_path / "bars.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "sweep.svg").read_text()


def test_a_panel_without_a_case_is_empty(result):
    pytest.importorskip("matplotlib")
    panels = picture.bars([result] * 3).axes
    assert [axes.axison for axes in panels] == [True, True, True, False]
    assert all(axes.get_title() for axes in panels[:3])


def test_short_times():
    assert [report.short_time(s) for s in (1.5e-5, 0.0123, 2)] == ["15.0 µs", "12.3 ms", "2.00 s"]
