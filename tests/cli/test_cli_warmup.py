"""`xpnet warmup`: what it says of each part, of a second call, and where nothing can be kept."""

import pytest

from xpnet import _warmup
from xpnet.training import _announce
from xpnet_kernels import _jit


def parts(*compiled):
    return lambda: iter([_warmup.Warmed(f"part {n}", count, 7, 1.26) for n, count in enumerate(compiled)])


@pytest.fixture
def told(monkeypatch):
    """Replace the work: `told(compiled per part, folders)`."""

    def replace(compiled, folders):
        monkeypatch.setattr("xpnet.cli.warmup.warm_up", parts(*compiled))
        monkeypatch.setattr(_jit, "folders", lambda: folders)

    return replace


def test_the_first_call_says_what_took_how_long_and_where_it_is_kept(cli, told):
    told((3, 4), ["/a/cache", "/b"])
    lines = cli.output("warmup").splitlines()
    assert [line.split() for line in lines[:2]] == [
        ["part", "0", "3", "compiled,", "7", "in", "place", "1.3", "s"],
        ["part", "1", "4", "compiled,", "7", "in", "place", "1.3", "s"],
    ]
    assert lines[2:] == ["7 kernels compiled in 2.5 s; the machine code is kept in", "  /a/cache", "  /b"]


def test_the_second_call_says_that_all_was_in_place(cli, told):
    told((0, 0), ["/a"])
    assert cli.output("warmup").splitlines()[2:] == [
        "Nothing to compile: all machine code was in place (2.5 s), in",
        "  /a",
    ]


def test_where_nothing_can_be_kept_it_stops_at_once(cli, told):
    told((2, 2), [])
    assert "no folder for machine code can be written" in cli.error("warmup")
    assert "part 1" not in cli("warmup").stdout
    told((0, 0), [])  # an image's read-only folder that holds all
    assert "Nothing to compile" in cli.output("warmup")


def test_training_says_so_too(monkeypatch, capsys):
    for folders, words in ((["/a"], "the machine code is kept"), ([], "at every start: no folder")):
        monkeypatch.setattr(_jit, "folders", lambda folders=folders: folders)
        _announce._say_that_kernels_compile()
        assert words in capsys.readouterr().err
