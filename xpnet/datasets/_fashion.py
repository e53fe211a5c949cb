"""Fashion-MNIST: 70,000 pictures of clothes, in MNIST's form."""

from __future__ import annotations

from xpnet.datasets._known import FASHION_MNIST_SHA256, IMAGES, LABELS, TEST_IMAGES, TEST_LABELS
from xpnet.datasets._mnist import present_idx
from xpnet.datasets._obtain import obtain
from xpnet.datasets._spec import IdxDataset, IdxFile
from xpnet.datasets._types import Dataset

FASHION_MNIST = IdxDataset(
    name="fashion_mnist",
    title="Fashion-MNIST",
    train_images=IdxFile(IMAGES, (60000, 28, 28), FASHION_MNIST_SHA256[IMAGES]),
    train_labels=IdxFile(LABELS, (60000,), FASHION_MNIST_SHA256[LABELS]),
    test_images=IdxFile(TEST_IMAGES, (10000, 28, 28), FASHION_MNIST_SHA256[TEST_IMAGES]),
    test_labels=IdxFile(TEST_LABELS, (10000,), FASHION_MNIST_SHA256[TEST_LABELS]),
    mirrors=("https://storage.googleapis.com/tensorflow/tf-keras-datasets/",),
    subfolders=("fashion_mnist", "fashion-mnist", "FashionMNIST", "FashionMNIST/raw", "."),
    torchvision="FashionMNIST",
    keras="fashion-mnist",
)


def fashion_mnist(*, normalize: bool = True, flatten: bool = True, one_hot: bool = False) -> Dataset:
    """Load Fashion-MNIST, 60,000 training and 10,000 test images of clothes.

    The classes are T-shirt/top, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot. The
    files are looked for as `mnist` does; in ``XPNET_DATA``, in the subfolder ``fashion_mnist``,
    ``fashion-mnist`` or ``FashionMNIST``, or in the folder itself. Whatever the source, the bytes are
    compared with the published SHA-256 first: files of MNIST, KMNIST or any other set that has the same names
    are refused. `from_idx` reads those as they are.

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
    H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms", 2017, arXiv:1708.07747.
    """
    return present_idx(
        FASHION_MNIST, obtain(FASHION_MNIST), normalize=normalize, flatten=flatten, one_hot=one_hot
    )
