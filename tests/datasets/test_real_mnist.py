"""The real files, where XPNET_DATA names them: values, flags, memory, the other libraries' forms."""

import gzip
import tracemalloc

import numpy as np
import pytest

from xpnet.datasets import DatasetError, catalog, fashion_mnist, load, mnist
from xpnet.datasets._fashion import FASHION_MNIST
from xpnet.datasets._folder import Folder

pytestmark = pytest.mark.mnist


def test_the_arrays_of_the_literature(real_mnist):
    (x_train, t_train), (x_test, t_test) = mnist()
    assert (x_train.shape, x_train.dtype) == ((60000, 784), np.float32)
    assert (t_train.shape, t_train.dtype) == ((60000,), np.int64)
    assert (x_test.shape, t_test.shape) == ((10000, 784), (10000,))
    assert t_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert t_test[:5].tolist() == [7, 2, 1, 0, 4]
    # The mean and deviation that every tutorial normalizes by.
    assert x_train.mean(dtype=np.float64) == pytest.approx(0.1307, abs=5e-5)
    assert x_train.std(dtype=np.float64) == pytest.approx(0.3081, abs=5e-5)
    assert (x_train.min(), x_train.max()) == (0, 1)


def test_raw_pixels_pictures_and_one_hot(real_mnist):
    (x_train, t_train), (x_test, _) = mnist(normalize=False, flatten=False, one_hot=True)
    assert (x_train.shape, x_train.dtype) == ((60000, 1, 28, 28), np.uint8)
    assert x_train.flags.writeable
    assert (t_train.shape, t_train.dtype) == ((60000, 10), np.float32)
    np.testing.assert_array_equal(
        x_test.reshape(-1, 784) / np.float32(255), load("mnist").test.x, strict=True
    )
    assert t_train.argmax(axis=1)[:3].tolist() == [5, 0, 4]


def test_memory_is_input_plus_output(real_mnist):
    tracemalloc.start()
    dataset = mnist()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    pixels = 70000 * 784
    needed = pixels + sum(part.x.nbytes + part.t.nbytes for part in dataset)
    assert peak < needed + 8e6


def test_mnist_is_never_taken_for_fashion(real_mnist):
    with pytest.raises(
        DatasetError, match=r"expected the bytes of Fashion-MNIST's train-images.*found MNIST's train-images"
    ):
        fashion_mnist()


@pytest.mark.parametrize("file", FASHION_MNIST.files, ids=lambda file: file.name)
def test_no_single_file_of_mnist_is_taken_for_fashion(real_mnist, file):
    with pytest.raises(DatasetError, match=f"found MNIST's {file.name}"):
        Folder(real_mnist).read_file(file, FASHION_MNIST)


def test_the_catalog_finds_mnist_and_not_fashion(real_mnist):
    _, entry, fashion = catalog()
    assert (entry.present, entry.where, entry.problem) == (True, str(real_mnist), "")
    assert not fashion.present
    assert "found MNIST's" in fashion.problem


def test_what_other_libraries_leave_on_the_disk(real_mnist, empty_disk, monkeypatch):
    expected = mnist(normalize=False)
    monkeypatch.delenv("XPNET_DATA")
    archive = empty_disk / "home/.keras/datasets/mnist.npz"
    archive.parent.mkdir(parents=True)
    (x_train, t_train), (x_test, t_test) = expected
    np.savez(
        archive,
        x_train=x_train.reshape(-1, 28, 28),
        y_train=t_train.astype(np.uint8),
        x_test=x_test.reshape(-1, 28, 28),
        y_test=t_test.astype(np.uint8),
    )
    np.testing.assert_array_equal(mnist(normalize=False).train.x, x_train, strict=True)
    archive.unlink()
    raw = empty_disk / "work/here/data/MNIST/raw"
    raw.mkdir(parents=True)
    for path in real_mnist.glob("*-ubyte*"):
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rb") as stream:
            (raw / path.name.removesuffix(".gz")).write_bytes(stream.read())
    np.testing.assert_array_equal(mnist(normalize=False).test.x, x_test, strict=True)
