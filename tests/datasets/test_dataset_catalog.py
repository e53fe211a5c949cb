"""load and catalog: the names, the choices, and what is said about each data set's whereabouts."""

import struct

import numpy as np
import pytest

from xpnet import datasets
from xpnet.datasets import DatasetError, catalog, load
from xpnet.datasets._folder import Folder
from xpnet.datasets._keras import KerasArchive

IMAGES = "train-images-idx3-ubyte"


def test_the_public_names():
    for name in datasets.__all__:
        assert getattr(datasets, name).__doc__


def test_load_by_name_is_the_loader(tmp_path):
    flags = {"normalize": False, "flatten": False, "one_hot": True}
    for got, wanted in zip(load("digits", **flags), datasets.digits(**flags), strict=True):
        np.testing.assert_array_equal(got.x, wanted.x, strict=True)
        np.testing.assert_array_equal(got.t, wanted.t, strict=True)
    assert load("Digits").train.x.shape == (1437, 64)


def test_load_takes_a_csv_path(tmp_path):
    path = tmp_path / "mine.CSV"
    path.write_text("label,a\n1,2\n0,3\n")
    assert load(path, test_fraction=0.5).train.x.shape == (1, 1)
    assert load(str(path), test_fraction=0.5, one_hot=True).train.t.shape == (1, 2)


@pytest.mark.parametrize("name", ["cifar10", "", "mnist.npz", "digits/"])
def test_an_unknown_name_lists_the_choices(name):
    with pytest.raises(
        ValueError, match=r"give one of digits, mnist, fashion_mnist, or a path ending in \.csv"
    ):
        load(name)


@pytest.mark.parametrize("name", ["fashion_mnist", "fashion-mnist", "mnist"])
def test_names_reach_the_right_data_set(name, monkeypatch, tmp_path):
    monkeypatch.setenv("XPNET_DATA", str(tmp_path / "nowhere"))
    title = "Fashion-MNIST" if "fashion" in name else "MNIST"
    with pytest.raises(DatasetError, match=f"expected {title}'s files"):
        load(name)


def test_the_catalog_on_an_empty_disk():
    digits, mnist, fashion = catalog()
    assert digits[:6] == (
        "digits",
        "Optical Recognition of Handwritten Digits (UCI)",
        1437,
        360,
        (1, 8, 8),
        10,
    )
    assert (digits.present, digits.where) == (True, "built in")
    for entry, name in ((mnist, "mnist"), (fashion, "fashion_mnist")):
        assert (entry.name, entry.train, entry.test) == (name, 60000, 10000)
        assert (entry.shape, entry.classes, entry.present, entry.problem) == ((1, 28, 28), 10, False, "")
        assert entry.where.startswith("https://")
        assert name in entry.where


def test_the_catalog_under_a_wrong_xpnet_data(monkeypatch, tmp_path):
    monkeypatch.setenv("XPNET_DATA", str(tmp_path))
    _, mnist, fashion = catalog()
    for entry in (mnist, fashion):
        assert not entry.present
        assert entry.where == str(tmp_path)
        assert "expected" in entry.problem


@pytest.mark.parametrize("packed", [True, False])
def test_a_peek_notices_half_a_file(tiny, tmp_path, packed):
    folder = Folder(tiny.write(tmp_path, packed=packed))
    folder.peek(tiny.spec)
    path = tmp_path / (IMAGES + ".gz" * packed)
    whole = path.read_bytes()
    for kept in (0, 3, 20, 100, len(whole) - 1):
        path.write_bytes(whole[:kept])
        with pytest.raises(DatasetError, match=IMAGES):
            folder.peek(tiny.spec)


def test_a_peek_proves_the_labels(tiny, other, tmp_path):
    for place in (Folder(tiny.write(tmp_path)), KerasArchive(tiny.write_npz(tmp_path / "mnist.npz"))):
        place.peek(tiny.spec)
        with pytest.raises(DatasetError, match="labels-idx1"):
            place.peek(other.spec)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_a_set_of_the_same_names_shapes_and_balance_is_neither_data_set(monkeypatch, tmp_path, name):
    random = np.random.default_rng(0)
    for part, count in (("train", 60000), ("t10k", 10000)):
        images = np.zeros((count, 28, 28), np.uint8)
        images[:, 14] = random.integers(0, 256, (count, 28))
        labels = random.permutation(np.repeat(np.arange(10, dtype=np.uint8), count // 10))
        header = struct.pack(">4B3I", 0, 0, 8, 3, count, 28, 28)
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = struct.pack(">4BI", 0, 0, 8, 1, count)
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
    monkeypatch.setenv("XPNET_DATA", str(tmp_path))
    entry = next(entry for entry in catalog() if entry.name == name)
    assert not entry.present
    assert f"found an unknown file, not {entry.title}'s" in entry.problem
    with pytest.raises(DatasetError, match=f"found an unknown file, not {entry.title}'s .*from_idx"):
        load(name)
