"""MNIST: 70,000 handwritten digits."""

from __future__ import annotations

from xpnet.datasets._idx import INPUT_RANGE
from xpnet.datasets._known import IMAGES, LABELS, MNIST_SHA256, TEST_IMAGES, TEST_LABELS
from xpnet.datasets._obtain import obtain
from xpnet.datasets._place import Arrays
from xpnet.datasets._present import present
from xpnet.datasets._spec import IdxDataset, IdxFile
from xpnet.datasets._types import Dataset, Split

MNIST = IdxDataset(
    name="mnist",
    title="MNIST",
    train_images=IdxFile(IMAGES, (60000, 28, 28), MNIST_SHA256[IMAGES]),
    train_labels=IdxFile(LABELS, (60000,), MNIST_SHA256[LABELS]),
    test_images=IdxFile(TEST_IMAGES, (10000, 28, 28), MNIST_SHA256[TEST_IMAGES]),
    test_labels=IdxFile(TEST_LABELS, (10000,), MNIST_SHA256[TEST_LABELS]),
    # The original site answers 403.
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    subfolders=(".", "mnist", "MNIST", "MNIST/raw"),
    torchvision="MNIST",
    keras="mnist.npz",
    book="dataset",
)


def mnist(*, normalize: bool = True, flatten: bool = True, one_hot: bool = False) -> Dataset:
    """Load MNIST, 60,000 training and 10,000 test images of handwritten digits.

    The files come from the first of: the folder in the environment variable ``XPNET_DATA``; xpnet's cache;
    copies that torchvision, Keras or the book's code left on this disk; a download into the cache. Whatever
    the source, the bytes are compared with the published SHA-256 first.

    Parameters
    ----------
    normalize : bool
        True: float32 pixels in 0..1. False: the raw uint8 pixels in 0..255.
    flatten : bool
        True: images as rows (N, 784). False: (N, 1, 28, 28).
    one_hot : bool
        True: labels (N, 10) float32. False: class indices (N,) int64.

    Returns
    -------
    Dataset
        ``(x_train, t_train), (x_test, t_test)``, NumPy arrays.

    Raises
    ------
    DatasetError
        ``XPNET_DATA`` is set and holds no good copy, or the download failed.

    Notes
    -----
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
    1998.

    Examples
    --------
    >>> (x_train, t_train), (x_test, t_test) = mnist()  # doctest: +SKIP
    """
    return present_idx(MNIST, obtain(MNIST), normalize=normalize, flatten=flatten, one_hot=one_hot)


def present_idx(
    dataset: IdxDataset, arrays: Arrays, *, normalize: bool, flatten: bool, one_hot: bool
) -> Dataset:
    """Give both parts of an IDX data set, one channel of bytes, the form that was asked for."""

    def part(images: int, labels: int) -> Split:
        return present(
            arrays[images][:, None],
            arrays[labels],
            input_range=INPUT_RANGE,
            classes=dataset.classes,
            normalize=normalize,
            flatten=flatten,
            one_hot=one_hot,
        )

    return Dataset(part(0, 1), part(2, 3), INPUT_RANGE)
