"""Which copy is taken, in which order, and that a pickle is never one of them."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xpnet.datasets import DatasetError
from xpnet.datasets._obtain import locate, obtain
from xpnet.datasets._places import cache_folder

# Below the fixture's folder: each place where a copy may lie, best first.
PLACES = {
    "cache": "home/cache/xpnet/tiny",
    "torchvision, in the working directory": "work/here/data/MNIST/raw",
    "torchvision, beside the working directory": "work/data/MNIST/raw",
    "torchvision, in the home": "home/data/MNIST/raw",
    "keras": "home/.keras/datasets/mnist.npz",
    "book": "work/here/dataset",
}


def put(tiny, path, packed=True):
    return tiny.write_npz(path) if path.suffix == ".npz" else tiny.write(path, packed=packed)


@pytest.mark.parametrize("place", PLACES)
def test_each_place_serves(tiny, empty_disk, place):
    path = put(tiny, empty_disk / PLACES[place])
    tiny.check(obtain(tiny.spec))
    assert locate(tiny.spec).path.resolve() == path


def test_the_order_of_the_places(tiny, empty_disk):
    for path in reversed(PLACES.values()):
        put(tiny, empty_disk / path)
        assert locate(tiny.spec).path.resolve() == empty_disk / path


@pytest.mark.parametrize("place", list(PLACES)[:-1])
def test_a_bad_copy_is_passed_over(tiny, empty_disk, place):
    path = put(tiny, empty_disk / PLACES[place])
    for file in [path] if path.is_file() else path.iterdir():
        file.write_bytes(file.read_bytes()[:70])
    put(tiny, empty_disk / PLACES["book"])
    tiny.check(obtain(tiny.spec))
    assert locate(tiny.spec).path == Path("dataset")


def test_a_bad_copy_is_named_when_nothing_else_serves(tiny, empty_disk):
    path = put(tiny, empty_disk / PLACES["keras"])
    path.write_bytes(b"half")
    with pytest.raises(DatasetError, match=r"Found on this disk, but not good: .*mnist.npz"):
        obtain(tiny.spec)
    assert "mnist.npz" in locate(tiny.spec).problem


def test_environment_variables_of_the_others(tiny, empty_disk, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(empty_disk / "k"))
    put(tiny, empty_disk / "k/datasets/mnist.npz")
    assert locate(tiny.spec).path == empty_disk / "k/datasets/mnist.npz"
    monkeypatch.setenv("TORCHVISION_DATASETS_HOME", str(empty_disk / "t"))
    put(tiny, empty_disk / "t/MNIST/raw")
    assert locate(tiny.spec).path == empty_disk / "t/MNIST/raw"


@pytest.mark.parametrize("packed", [True, False])
def test_xpnet_data_comes_first(tiny, empty_disk, monkeypatch, packed):
    put(tiny, empty_disk / PLACES["cache"])
    monkeypatch.setenv("XPNET_DATA", str(put(tiny, empty_disk / "mine", packed)))
    tiny.check(obtain(tiny.spec))
    assert locate(tiny.spec).path == empty_disk / "mine"


def test_xpnet_data_may_start_with_a_tilde_and_be_empty(tiny, empty_disk, monkeypatch):
    put(tiny, empty_disk / "home/mine")
    monkeypatch.setenv("XPNET_DATA", "~/mine")
    tiny.check(obtain(tiny.spec))
    monkeypatch.setenv("XPNET_DATA", "")
    put(tiny, empty_disk / PLACES["book"])
    assert locate(tiny.spec).path == Path("dataset")


@pytest.mark.parametrize("content", ["missing", "empty", "others"])
def test_xpnet_data_without_the_files_is_an_error_and_not_a_download(tiny, empty_disk, monkeypatch, content):
    put(tiny, empty_disk / PLACES["cache"])
    folder = empty_disk / "mine"
    if content != "missing":
        folder.mkdir()
    if content == "others":
        (folder / "notes.txt").touch()
    monkeypatch.setenv("XPNET_DATA", str(folder))
    found = {"missing": "no readable folder", "empty": "an empty folder", "others": "notes.txt"}[content]
    with pytest.raises(
        DatasetError, match=f"expected Tiny's files train-images.* found {found}.*unset XPNET_DATA"
    ):
        obtain(tiny.spec)
    assert found in locate(tiny.spec).problem


def test_xpnet_data_with_a_bad_file_names_it(tiny, empty_disk, monkeypatch):
    folder = put(tiny, empty_disk / "mine")
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(b"")
    monkeypatch.setenv("XPNET_DATA", str(folder))
    with pytest.raises(DatasetError, match=r"XPNET_DATA: .*t10k-labels-idx1-ubyte.gz: expected labels"):
        obtain(tiny.spec)


@pytest.mark.parametrize("subfolder", [".", "other", "Other/raw"])
def test_two_data_sets_below_one_xpnet_data_are_told_apart(tiny, other, empty_disk, monkeypatch, subfolder):
    root = empty_disk / "mine"
    looking = replace(other.spec, subfolders=("other", "Other/raw", "."))
    monkeypatch.setenv("XPNET_DATA", str(root))
    put(tiny, root)
    with pytest.raises(DatasetError, match="found an unknown file, not Other's"):
        obtain(looking)
    put(other, root / subfolder)
    other.check(obtain(looking))


def test_a_pickle_is_never_opened(tiny, empty_disk):
    (empty_disk / "work/here/dataset").mkdir()
    (empty_disk / "work/here/dataset/mnist.pkl").write_bytes(b"cos\nabort\n(tR.")
    # An npz whose members are object arrays, that is, pickles.
    path = empty_disk / PLACES["keras"]
    path.parent.mkdir(parents=True)
    np.savez(path, **{name: np.array([{}]) for name in ("x_train", "y_train", "x_test", "y_test")})
    with pytest.raises(DatasetError, match="allow_pickle=False"):
        obtain(tiny.spec)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half", b"\x93NUMPY\x01\x00"])
def test_a_broken_keras_archive(tiny, empty_disk, content):
    path = empty_disk / PLACES["keras"]
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="expected an npz archive with the arrays x_train"):
        obtain(tiny.spec)


def test_keras_archives_with_other_arrays(tiny, empty_disk):
    path = put(tiny, empty_disk / PLACES["keras"])
    names = ("x_train", "y_train", "x_test", "y_test")
    swapped = dict(zip(names, tiny.arrays, strict=True)) | {"x_train": 255 - tiny.arrays[0]}
    for arrays, message in [
        ({"x_train": tiny.arrays[0]}, "KeyError"),
        (dict.fromkeys(names, tiny.arrays[0].astype(float)), r"expected uint8 \(20, 3, 2\), found float64"),
        (swapped, r"mnist.npz\[x_train\]: expected the bytes of Tiny's train-images"),
    ]:
        np.savez(path, **arrays)
        with pytest.raises(DatasetError, match=message):
            obtain(tiny.spec)
    with path.open("wb") as stream:
        np.save(stream, tiny.arrays[0])
    with pytest.raises(DatasetError, match="a single array"):
        obtain(replace(tiny.spec, torchvision=""))


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/xpnet"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "~/.cache/xpnet"),
        ("linux", {}, "~/.cache/xpnet"),
        ("darwin", {}, "~/Library/Caches/xpnet"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/xpnet"),
    ],
)
def test_cache_folder(monkeypatch, platform, environment, expected):
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.delenv("XDG_CACHE_HOME")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(expected).expanduser()


def test_a_home_that_may_not_be_entered(tiny, empty_disk, monkeypatch):
    real_stat = os.stat

    def stat(path, *args, **kwargs):
        if str(path).startswith(str(empty_disk / "home")):
            raise PermissionError(13, "Permission denied")
        return real_stat(path, *args, **kwargs)

    put(tiny, empty_disk / PLACES["book"])
    monkeypatch.setattr(os, "stat", stat)
    with pytest.raises(PermissionError):
        (empty_disk / "home" / "x").is_file()
    tiny.check(obtain(tiny.spec))


def test_without_a_home(tiny, empty_disk, monkeypatch):
    def unknown():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder().name == "xpnet-cache"
    put(tiny, empty_disk / PLACES["book"])
    tiny.check(obtain(tiny.spec))
