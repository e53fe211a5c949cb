"""A data set of a few hundred bytes with the structure of MNIST, and a disk with nobody's files on it."""

import gzip
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xpnet.datasets._spec import IdxDataset, IdxFile

REAL = os.environ.get("XPNET_DATA", "")
# Resolved now: it may be relative, and the tests change folder.
REAL_FOLDER = Path(REAL).expanduser().resolve() if REAL else None


@pytest.fixture(autouse=True)
def empty_disk(tmp_path, monkeypatch):
    """A home, a cache and a working directory of the test's own; returns the folder that holds them."""
    for name in ("XPNET_DATA", "KERAS_HOME", "TORCHVISION_DATASETS_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("home", "home/cache", "work", "work/here"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "home" / "cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.chdir(tmp_path / "work" / "here")
    return tmp_path


@pytest.fixture
def real_mnist(monkeypatch):
    """The folder of the real MNIST files, with XPNET_DATA set to it."""
    if REAL_FOLDER is None:
        pytest.skip("needs the real MNIST files: set XPNET_DATA to a folder with the four IDX files")
    monkeypatch.setenv("XPNET_DATA", str(REAL_FOLDER))
    return REAL_FOLDER


class Tiny:
    """20 training and 10 test images of 3x2 pixels in 5 balanced classes, as IDX files and as arrays."""

    def __init__(self, seed=0, **changes):
        random = np.random.default_rng(seed)
        self.arrays = (
            random.integers(0, 256, (20, 3, 2), np.uint8),
            random.permutation(np.repeat(np.arange(5, dtype=np.uint8), 4)),
            random.integers(0, 256, (10, 3, 2), np.uint8),
            random.permutation(np.repeat(np.arange(5, dtype=np.uint8), 2)),
        )
        names = (
            "train-images-idx3-ubyte",
            "train-labels-idx1-ubyte",
            "t10k-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte",
        )
        bare = [IdxFile(name, array.shape, "") for name, array in zip(names, self.arrays, strict=True)]
        self.raw = {f.name: f.header + a.tobytes() for f, a in zip(bare, self.arrays, strict=True)}
        self.packed = {name: gzip.compress(raw, mtime=0) for name, raw in self.raw.items()}
        proved = [replace(f, sha256=hashlib.sha256(self.raw[f.name]).hexdigest()) for f in bare]
        self.spec = IdxDataset(
            "tiny", "Tiny", *proved, classes=5, torchvision="MNIST", keras="mnist.npz", book="dataset"
        )
        self.spec = replace(self.spec, **changes)

    def write(self, folder, *, packed=True):
        """Put the four files into `folder`, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (self.packed if packed else self.raw).items():
            (folder / (name + ".gz" * packed)).write_bytes(content)
        return folder

    def write_npz(self, path):
        """Put Keras's archive at `path`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **dict(zip(("x_train", "y_train", "x_test", "y_test"), self.arrays, strict=True)))
        return path

    def check(self, arrays):
        """Assert that `arrays` are these four, in shape, dtype and values."""
        for got, wanted in zip(arrays, self.arrays, strict=True):
            assert type(got) is np.ndarray
            assert got.dtype == np.uint8
            np.testing.assert_array_equal(got, wanted, strict=True)


@pytest.fixture
def tiny():
    return Tiny()


@pytest.fixture
def other():
    """A data set with tiny's names, shapes and balance, and other bytes: what Fashion-MNIST is to MNIST."""
    return Tiny(seed=1, name="other", title="Other")
