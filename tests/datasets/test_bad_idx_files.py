"""Every way in which a data file can be wrong ends in one error that names file, expected, found and fix."""

import gzip
import hashlib
import pickle
from pathlib import Path

import pytest

from xpnet.datasets import DatasetError, _known
from xpnet.datasets._folder import Folder

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def fault(folder, spec):
    """The message of the error that reading the folder raises."""
    with pytest.raises(DatasetError) as caught:
        Folder(folder).read(spec)
    return str(caught.value)


@pytest.mark.parametrize("packed", [True, False])
def test_good_files_are_read(tiny, tmp_path, packed):
    arrays = Folder(tiny.write(tmp_path / "d", packed=packed)).read(tiny.spec)
    tiny.check(arrays)
    assert all(array.flags.writeable for array in arrays)


def test_dotted_names_and_unpacked_gz_are_read(tiny, tmp_path):
    (tmp_path / "train-images.idx3-ubyte").write_bytes(tiny.raw[IMAGES])
    (tmp_path / f"{LABELS}.gz").write_bytes(tiny.raw[LABELS])
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(tiny.packed["t10k-images-idx3-ubyte"])
    (tmp_path / "t10k-labels.idx1-ubyte.gz").write_bytes(tiny.packed["t10k-labels-idx1-ubyte"])
    tiny.check(Folder(tmp_path).read(tiny.spec))


@pytest.mark.parametrize("kept", [0, 2, 10, 60, -9, -1])
def test_truncated_gz(tiny, tmp_path, kept):
    path = tiny.write(tmp_path) / f"{IMAGES}.gz"
    path.write_bytes(tiny.packed[IMAGES][:kept])
    message = fault(tmp_path, tiny.spec)
    assert str(path) in message
    assert "expected images, an IDX file of uint8 (20, 3, 2) (136 bytes)" in message
    assert "Delete or replace this file, or set XPNET_DATA" in message


@pytest.mark.parametrize("kept", [0, 3, 15, 16, 135])
def test_truncated_plain_file(tiny, tmp_path, kept):
    path = tiny.write(tmp_path, packed=False) / IMAGES
    path.write_bytes(tiny.raw[IMAGES][:kept])
    message = fault(tmp_path, tiny.spec)
    assert str(path) in message
    assert f"{kept} bytes" in message


def test_a_longer_file(tiny, tmp_path):
    tiny.write(tmp_path, packed=False)
    (tmp_path / IMAGES).write_bytes(tiny.raw[IMAGES] + b"x")
    assert "more than 136 bytes" in fault(tmp_path, tiny.spec)


def test_images_under_the_labels_name(tiny, tmp_path):
    tiny.write(tmp_path)
    (tmp_path / f"{LABELS}.gz").write_bytes(tiny.packed[IMAGES])
    message = fault(tmp_path, tiny.spec)
    assert "expected labels, an IDX file of uint8 (20,)" in message
    assert "found an IDX file that says it is uint8 (20, 3, 2)" in message


def test_a_web_page_under_the_name(tiny, tmp_path):
    tiny.write(tmp_path)
    (tmp_path / f"{IMAGES}.gz").write_bytes(b"<!doctype html><title>403</title>")
    assert "not IDX (they begin with b'<!doctyp')" in fault(tmp_path, tiny.spec)


def test_a_flipped_bit(tiny, tmp_path):
    tiny.write(tmp_path, packed=False)
    raw = bytearray(tiny.raw[IMAGES])
    raw[40] ^= 1
    (tmp_path / IMAGES).write_bytes(raw)
    message = fault(tmp_path, tiny.spec)
    assert "expected the bytes of Tiny's train-images-idx3-ubyte (SHA-256" in message


def test_a_flipped_bit_inside_a_gz(tiny, tmp_path):
    tiny.write(tmp_path)
    packed = bytearray(tiny.packed[IMAGES])
    packed[60] ^= 1
    (tmp_path / f"{IMAGES}.gz").write_bytes(packed)
    message = fault(tmp_path, tiny.spec)
    assert f"{tmp_path / IMAGES}.gz: expected images" in message
    assert "found a file that ends or breaks after" in message


@pytest.mark.parametrize("name", [IMAGES, LABELS])
def test_an_unknown_data_set_of_the_same_form(tiny, other, tmp_path, name):
    other.write(tmp_path)
    tiny.write(tmp_path)
    (tmp_path / f"{name}.gz").write_bytes(other.packed[name])
    message = fault(tmp_path, tiny.spec)
    assert f"expected the bytes of Tiny's {name}" in message
    assert "found an unknown file, not Tiny's" in message
    assert "into a folder tiny inside the one in XPNET_DATA" in message
    assert "is read as it is by xpnet.datasets.from_idx(FOLDER) and --dataset FOLDER" in message


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_a_known_data_set_of_the_same_form_is_named(tiny, other, tmp_path, monkeypatch, algorithm):
    other.write(tmp_path)
    digest = hashlib.new(algorithm, other.raw[IMAGES]).hexdigest()
    monkeypatch.setitem(_known._OWNERS, digest, "Other's pictures")
    assert "found Other's pictures (SHA-256 " in fault(tmp_path, tiny.spec)


def test_the_hashes_are_of_twelve_files():
    hashes = [*_known.MNIST_SHA256.values(), *_known.FASHION_MNIST_SHA256.values()]
    assert {len(digest) for digest in hashes} == {64}
    assert {len(digest) for digest in _known.KMNIST_MD5.values()} == {32}
    assert len(_known._OWNERS) == 12


def test_one_of_four_missing(tiny, tmp_path):
    tiny.write(tmp_path)
    (tmp_path / f"{LABELS}.gz").unlink()
    message = fault(tmp_path, tiny.spec)
    assert f"{tmp_path / LABELS}: expected this file, or the same with .gz, found neither" in message


def test_a_good_spelling_beside_a_bad_one_serves(tiny, tmp_path):
    tiny.write(tmp_path)
    (tmp_path / IMAGES).write_bytes(b"half")
    tiny.check(Folder(tmp_path).read(tiny.spec))


def test_compressed_again_passes(tiny, tmp_path):
    tiny.write(tmp_path)
    (tmp_path / f"{IMAGES}.gz").write_bytes(gzip.compress(tiny.raw[IMAGES], 1, mtime=7))
    tiny.check(Folder(tmp_path).read(tiny.spec))


def test_an_unreadable_file(tiny, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    tiny.write(tmp_path)
    # Not chmod: root, who runs the tests in many containers, may read every file.
    monkeypatch.setattr(Path, "open", refuse)
    assert "Permission denied" in fault(tmp_path, tiny.spec)


def test_the_error_is_a_value_error_and_travels_between_processes(tiny, tmp_path):
    with pytest.raises(ValueError, match="expected this file") as caught:
        Folder(tmp_path).read(tiny.spec)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
