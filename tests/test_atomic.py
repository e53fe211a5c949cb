"""write_atomically: whole or not at all, with the umask's mode, from several processes at once."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from xpnet._atomic import write_atomically


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "file.bin"
    write_atomically(path, b"first")
    write_atomically(path, b"second\r\n\x1a")
    assert path.read_bytes() == b"second\r\n\x1a"
    assert os.listdir(tmp_path) == ["file.bin"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no umask")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_mode_is_what_open_would_give(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "file.bin", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file.bin").stat().st_mode) == mode


@pytest.mark.parametrize("broken", ["replace", "fsync"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, broken):
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.bin"]


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "nowhere" / "file.bin", b"x")


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_a_link_stays_a_link(tmp_path):
    target = tmp_path / "elsewhere.bin"
    target.write_bytes(b"old")
    link = tmp_path / "link.bin"
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_long_name_needs_no_room_for_a_suffix(tmp_path):
    path = tmp_path / ("n" * 255)
    write_atomically(path, b"x")
    assert path.read_bytes() == b"x"


def test_two_processes_and_a_reader_never_see_half_a_file(tmp_path):
    path = tmp_path / "file.bin"
    script = (
        "import sys; from pathlib import Path; from xpnet._atomic import write_atomically\n"
        "for _ in range(50): write_atomically(Path(sys.argv[1]), sys.argv[2].encode() * 300_000)"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(path), letter], env=env) for letter in "ab"
    ]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        if path.exists():
            seen.add(path.read_bytes())
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert seen | {path.read_bytes()} <= {b"a" * 300_000, b"b" * 300_000}
    assert [Path(name).suffix for name in os.listdir(tmp_path)] == [".bin"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"folder does not exist; make it first: '.*nowhere'"):
        write_atomically(tmp_path / "nowhere" / "file.bin", b"x")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_and_a_folder_are_left_alone(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(FileExistsError, match="A folder or a device; give the name of a file"):
            write_atomically(path, b"x")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert os.listdir(tmp_path) == ["pipe"]
