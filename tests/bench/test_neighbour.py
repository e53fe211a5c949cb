"""`benchmarks/neighbour.py`, in tiny: it runs, its loops run and stop, and its figures are the samples'."""

import importlib.util
import json
import signal
import time
from pathlib import Path

import pytest

from xpnet.bench import contestants
from xpnet.bench.contestants import Entry

PATH = Path(__file__).parents[2] / "benchmarks" / "neighbour.py"

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs signals that stop a process")


@pytest.fixture
def neighbour():
    spec = importlib.util.spec_from_file_location("neighbour", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_measures_both_states_and_writes_every_sample(neighbour, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(neighbour, "SETTLE", 0.01)
    fakes = {"of_backends": Entry("ours", "fakes:Honest"), "of_rivals": Entry("rival", "fakes:Honest")}
    for name, entry in fakes.items():
        monkeypatch.setattr(contestants, name, lambda names, entry=entry: [entry])
    told = []
    monkeypatch.setattr(neighbour.Neighbour, "tell", lambda loops, state: told.append(state))
    json_file = tmp_path / "n.json"
    options = ["--rounds", "3", "--threads", "1", "--dataset", "digits", "--json", str(json_file)]
    neighbour.main(options)
    assert told == ["alone", "alone", "beside", "beside", "alone", "alone", "beside"]
    plain = json.loads(json_file.read_text())
    assert plain["case"] == "64-50-10, batch 100"
    assert [(row["label"], row["threads"]) for row in plain["rows"]] == [("ours", 1), ("rival", 1)]
    assert all(len(row[state]) == 3 for row in plain["rows"] for state in ("alone", "beside"))
    assert "commit" in plain["about"]
    assert neighbour.table(plain["rows"]) in capsys.readouterr().out


def test_a_rival_that_is_not_installed_is_left_out(neighbour, monkeypatch, case, data):
    ours = Entry("ours", "fakes:Honest")
    monkeypatch.setattr(contestants, "of_backends", lambda names: [ours])
    monkeypatch.setattr("xpnet.bench.contestants.importlib.util.find_spec", lambda name: None)
    with neighbour.players(case, data, [1]) as playing:
        assert list(playing) == [("ours", 1)]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_the_loops_run_only_when_told_and_end(neighbour):
    loops = neighbour.Neighbour(1)
    (process,) = loops.processes
    try:
        before = busy(process)
        time.sleep(0.1)
        assert busy(process) == before
        loops.tell("beside")
        stop = time.monotonic() + 30
        while busy(process) == before and time.monotonic() < stop:
            time.sleep(0.05)
        assert busy(process) > before
    finally:
        loops.close()
    assert process.returncode == -signal.SIGKILL


def busy(process):
    """Return the processor time a process has used, in ticks, once a stop has taken hold."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_the_table(neighbour):
    rows = [{"label": "ours", "threads": 2, "alone": [0.1, 0.2, 0.1], "beside": [0.2, 0.2, 0.3]}]
    assert neighbour.table(rows).splitlines()[-1] == "| ours | 2 | 0.1000 | 0.2000 | 2.00 |"


@pytest.mark.parametrize("wrong", [["--rounds", "0"], ["--threads", "0"], ["--dataset", "none"]])
def test_wrong_options_are_refused(neighbour, wrong, capsys):
    with pytest.raises(SystemExit):
        neighbour.main(wrong)
    assert capsys.readouterr().err
