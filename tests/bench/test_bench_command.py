"""`xpnet bench` on the built-in digits."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from xpnet.bench import contestants, session
from xpnet.cli import main

QUICK = ("bench", "--dataset", "digits", "--epochs", "5", "--threads", "1")


def run(*arguments):
    return CliRunner().invoke(main, [str(one) for one in arguments], catch_exceptions=False)


def test_table_json_and_markdown(tmp_path):
    outputs = ("--json", tmp_path / "r.json", "--markdown", tmp_path / "r.md")
    result = run(*QUICK, "--backends", "numpy", "--case", "20@20", "--machine", "mine", *outputs)
    assert result.exit_code == 0, result.output
    assert "64-20-10, batch 20, SGD 0.06" in result.output
    assert "xpnet numpy" in result.output
    plain = json.loads((tmp_path / "r.json").read_text())
    assert plain["about"]["machine"] == "mine"
    assert {"commit", "versions", "date", "cores"} <= set(plain["about"])
    assert len(plain["results"][0]["outcomes"][0]["seconds"]) == 5
    assert "| xpnet numpy |" in (tmp_path / "r.md").read_text()


def test_who_fails_the_checks_is_named_and_the_exit_code_is_1(monkeypatch):
    monkeypatch.setattr(
        contestants, "of_backends", lambda names: [contestants.Entry("bad", "fakes:HalfTheSteps")]
    )
    result = run(*QUICK, "--case", "20@20")
    assert result.exit_code == 1
    assert "bad DOES NOT COUNT: check before: " in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--vs", "theano"), "unknown rival 'theano'"),
        (("--backends", "none-such"), "unknown backend 'none-such'"),
        (("--case", "50"), "give hidden widths and batch"),
        (("--epochs", "2"), "5"),
    ],
)
def test_wrong_values_are_one_line(arguments, words):
    result = run("bench", "--dataset", "digits", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_rivals_that_are_not_installed_are_left_out(monkeypatch):
    monkeypatch.setattr("xpnet.bench.contestants.importlib.util.find_spec", lambda name: None)
    entries = [entry for entry in contestants.of_rivals(["torch", "jax"]) if contestants.installed(entry)]
    assert entries == []


def test_data_without_zeros(data, tmp_path):
    made = data.without_zeros()
    assert (data.x == 0).any()
    for before, after in ((data.x, made.x), (data.x_test, made.x_test)):
        np.testing.assert_array_equal(after, np.where(before == 0, np.float32(0.1), before))
        assert after.dtype == np.float32
    out = tmp_path / "r.json"
    result = run(*QUICK, "--backends", "numpy", "--case", "20@20", "--no-zeros", "--json", out)
    assert result.exit_code == 0, result.output
    assert "64-20-10, batch 20, no zeros, SGD 0.06" in result.output
    assert str(session.read(out).results[0].case) == "64-20-10, batch 20, no zeros"


def test_numba_takes_part_with_both_of_its_ways_and_within_a_fit():
    labels = [entry.label for entry in contestants.of_backends(["numba"])]
    compiled = "xpnet numba, compiled"
    assert labels == [compiled, f"{compiled}, within a fit", "xpnet numba, layer by layer"]


def test_every_standard_case_can_be_read(data):
    for text in session.STANDARD:
        case = session.parse_case(text, data)
        assert case.sizes[0] == 64
        assert str(case.batch) == text.partition("@")[2]


def test_choose_takes_no_options_that_it_would_not_follow():
    result = run("bench", "--choose", "--threads", "1", "--dataset", "digits", "--json", "a.json")
    assert result.exit_code == 2
    follows = "--dataset, --label, --header, --drop, --case, --no-zeros"
    assert f"--choose goes with {follows} only, not with --threads, --json" in result.output


def test_choose(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result = run("bench", "--choose", "--dataset", "digits", "--case", "20@20")
    assert result.exit_code == 0, result.output
    assert "is the quickest here (a step: numpy" in result.output
    assert (tmp_path / "xpnet" / "choices.json").exists()
