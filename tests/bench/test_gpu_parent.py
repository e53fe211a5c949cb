"""The parent of `benchmarks/gpu.py`: whatever becomes of a section, the document keeps the others."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from gpu_sections import FIRST_STEP, SECTIONS, Section
from gpu_sections.runner import Run, read_records

pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs a system with process groups")


@pytest.fixture
def run(tmp_path):
    """Run made-up sections by name; return (whether all went well, the document by section)."""

    def play(*names, limit=60.0, seconds=600.0, dry=True, **options):
        path = tmp_path / "out.json"
        sections = [Section(name, f"gpu_fakes:{name}", limit, options.get(name, {})) for name in names]
        lines = []
        well = Run({"commit": "c"}, path, seconds, dry, lines.append).run(sections)
        document = json.loads(path.read_text(), parse_constant=pytest.fail)
        assert document["finished"]
        assert [one["name"] for one in document["sections"]] == list(names)
        assert len(lines) >= len(names)
        return well, document

    return play


def statuses(document):
    return [one["status"] for one in document["sections"]]


def test_a_good_section_leaves_its_records_and_sees_those_before(run):
    well, document = run("good", "half", good={"value": 9})
    assert document["kind"].startswith("dry run")
    good, half = document["sections"]
    assert good["records"] == [
        {"what": "made up", "value": 9, "samples": [1.0, None]},
        {"what": "earlier", "names": []},
    ]
    assert (good["status"], good["code"], good["tail"]) == ("ok", 0, "")
    assert not well
    assert half["records"][0] == {"what": "first part", "number": 1, "error": "ValueError: no such part"}
    assert half["records"][1]["value"] == 6
    assert "no such part" in half["tail"]


def test_all_good(run):
    well, document = run("good", "prints_garbage")
    assert well
    assert statuses(document) == ["ok", "ok"]


def test_one_that_hangs_is_ended_with_its_children_and_costs_itself_only(run):
    started = time.monotonic()
    well, document = run("hangs", "good", limit=8.0)
    assert not well
    assert time.monotonic() - started < 40
    hung, good = document["sections"]
    assert hung["status"] == "did not end within 8 s"
    assert hung["records"][0] == {"what": "before", "value": 2}
    assert "about to wait for ever" in hung["tail"]
    assert ended(hung["records"][1]["pid"])
    assert good["status"] == "ok"
    assert good["records"][1]["names"] == ["hangs"]


def ended(pid):
    """Return whether a process is gone, or dead and not yet buried."""
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def test_one_that_crashes_and_one_that_raises(run):
    well, document = run("crashes", "raises", "good")
    assert not well
    assert statuses(document) == ["failed", "failed", "ok"]
    crashed, raised, _ = document["sections"]
    assert crashed["code"] < 0
    assert crashed["records"] == [{"what": "before", "value": 3}]
    assert "about to crash" in crashed["tail"]
    assert "RuntimeError: out of luck" in raised["tail"]
    assert "tests/bench/gpu_fakes.py" in raised["tail"]
    assert str(ROOT) not in raised["tail"]


def test_records_that_are_none_are_counted_and_fail_the_section(run):
    well, document = run("records_garbage", "good")
    assert not well
    garbage, good = document["sections"]
    assert garbage["status"] == "failed"
    assert garbage["records"] == [{"what": "made up", "value": 5}]
    assert "3 of its records were no JSON" in garbage["tail"]
    assert good["status"] == "ok"


@pytest.mark.parametrize("dry", [True, False], ids=["ctrl-c", "terminated"])
def test_interrupted_it_keeps_what_there_is_and_begins_no_more(run, dry):
    well, document = run("good", "interrupts", "good", dry=dry)
    assert not well
    assert statuses(document) == ["ok", "interrupted", "interrupted"]
    assert document["sections"][1]["records"] == [{"what": "before", "value": 7}]


def test_what_there_is_no_time_for_is_not_reached(run):
    well, document = run("good", "good", seconds=1.0, limit=60.0)
    assert not well
    assert statuses(document) == ["not reached", "not reached"]


def test_a_line_cut_short_is_no_record(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text('{"what": "a"}\n{"what": "b", "samp')
    assert read_records(path) == ([{"what": "a"}], 1)


def command(*arguments):
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "0", "PYTHONPATH": ""}
    return subprocess.run(
        [sys.executable, "benchmarks/gpu.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_without_a_gpu_it_says_so_and_writes_nothing(tmp_path):
    from engines import gpu_is_usable

    if gpu_is_usable():
        pytest.skip("there is a GPU")
    done = command("--out", str(tmp_path / "x.json"))
    assert done.returncode == 2
    assert done.stdout.startswith("no GPU can be used here: ")
    assert "Nothing was measured" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_a_result_that_renders_and_prints_what_went_wrong(tmp_path, monkeypatch, capsys):
    import gpu
    import render_gpu

    about = {"commit": "unknown", "date": "2026-01-02", "versions": {}, "gpu": {"name": "made up"}}
    monkeypatch.setattr(gpu, "probe", lambda dry: {"about": {**about}, "problem": ""})
    sections = [Section(name, f"gpu_fakes:{name}", 60.0) for name in ("good", "raises")]
    monkeypatch.setattr(gpu, "SECTIONS", sections)
    out = tmp_path / "mine.json"
    assert gpu.main(["--out", str(out), "--commit", "abc"]) == 1
    said = capsys.readouterr().out
    assert "RuntimeError: out of luck" in said
    assert "raises: failed, " in said
    assert "| at most 5 ms | not measured: the section 'epochs, small' was left out |" in said
    (document,) = render_gpu.documents(tmp_path).values()
    assert document["about"]["commit"] == "abc"
    assert document["kind"] == "gpu"
    assert "made up, driver unknown" in render_gpu.block({"mine": document})
    assert gpu.main(["--out", str(out), "--sections", "good"]) == 0
    assert "the commit is unknown: give it with --commit" in capsys.readouterr().out
    with pytest.raises(ValueError, match="does not say of which commit"):
        render_gpu.documents(tmp_path)


def test_wrong_arguments_are_refused():
    for arguments, words in (
        (("--out", "x", "--sections", "none"), "unknown section 'none'"),
        ((), "--out FILE"),
    ):
        done = command(*arguments)
        assert done.returncode != 0
        assert words in done.stderr


def test_the_first_step_comes_before_everything_that_runs_the_persistent_kernel_for_longer():
    names = [section.name for section in SECTIONS]
    assert len(set(names)) == len(names)
    assert names.index(FIRST_STEP) == 1
    assert SECTIONS[1].limit <= 60
    assert names[0] == "environment"
