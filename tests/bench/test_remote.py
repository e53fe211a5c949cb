"""Players in processes of their own."""

import json
import os

import numpy as np
import pytest

from xpnet.bench import session
from xpnet.bench.case import Case
from xpnet.bench.contestants import Entry, of_backends
from xpnet.bench.remote import ContestantError, RemotePlayer, read_data, write_data


@pytest.fixture
def start(tmp_path, case, data):
    players = []

    def run(spec, **options):
        write_data(data, tmp_path)
        players.append(RemotePlayer(spec, options, case, tmp_path, f"p{len(players)}", 1))
        return players[-1]

    yield run
    for player in players:
        player.close()


def test_a_process_plays_as_this_one_does(start, case, data):
    from xpnet.bench.player import Player

    far, near = start("fakes:Honest"), Player("fakes:Honest", {}, case, data)
    for player in (far, near):
        player.prepare()
    there, here = far.epoch(1, 400), near.epoch(1, 400)
    np.testing.assert_array_equal(there.losses, here.losses)
    for a, b in zip(there.weights, here.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert there.seconds > 0
    assert far.inference(1)["samples"] == 1
    assert 2**20 < far.peak_bytes() < 2**32


def test_the_process_is_held_to_its_threads(start, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setenv("XPNET_NUM_THREADS", "7")
    facts = start("threads_told:ThreadsTold").prepare()
    ours = "" if hasattr(os, "sched_setaffinity") else "1"
    assert facts["settings"] == {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "XPNET_NUM_THREADS": ours}
    if hasattr(os, "sched_getaffinity"):
        assert facts["cores"] == 1


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("fakes:CannotStart", "ValueError: no such device"),
        ("no_such_module:Any", "No module named 'no_such_module'"),
    ],
)
def test_a_failure_is_told_in_its_own_words(start, spec, words):
    with pytest.raises(ContestantError, match=words):
        start(spec).prepare()


def test_a_process_that_dies_is_an_error(start):
    player = start("fakes:Honest")
    player.prepare()
    player._process.kill()
    with pytest.raises(ContestantError, match="ended with code"):
        player.epoch(1, 100)


def test_data_are_read_as_they_were_written_and_aligned(tmp_path, data):
    write_data(data, tmp_path)
    for mine, its in zip(data, read_data(tmp_path), strict=True):
        np.testing.assert_array_equal(mine, its)
        assert mine.dtype == its.dtype
        assert its.ctypes.data % 64 == 0
        assert its.flags.writeable


def test_backends_are_compared_and_the_document_keeps_everything(data, tmp_path, monkeypatch):
    entries = [*of_backends(["numpy"]), Entry("a fake", "fakes:Honest"), Entry("broken", "fakes:CannotStart")]
    result = session.Session(data, threads=1, epochs=5).run(Case((64, 20, 10), 20), entries)
    ours, fake, broken = result.outcomes
    assert ours.problems == []
    assert fake.problems == []
    assert broken.problems == ["ValueError: no such device"]
    assert len(ours.seconds) == len(fake.seconds) == 5
    assert ours.accuracy == pytest.approx(fake.accuracy, abs=0.01)
    document = session.Document({"machine": "here"}, [result], [])
    document.write(tmp_path / "x.json")
    again = session.read(tmp_path / "x.json")
    assert again.about == {"machine": "here"}
    assert json.dumps(again.results[0].to_dict()) == json.dumps(result.to_dict())
