"""MNIST: 70,000 handwritten digits."""

from __future__ import annotations

from xpnet.datasets._obtain import obtain
from xpnet.datasets._place import Arrays
from xpnet.datasets._present import present
from xpnet.datasets._spec import IdxDataset, IdxFile
from xpnet.datasets._types import Dataset, Split

INPUT_RANGE = 0, 255

MNIST = IdxDataset(
    name="mnist",
    title="MNIST",
    train_images=IdxFile(
        "train-images-idx3-ubyte",
        (60000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    train_labels=IdxFile(
        "train-labels-idx1-ubyte",
        (60000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    test_images=IdxFile(
        "t10k-images-idx3-ubyte",
        (10000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    test_labels=IdxFile(
        "t10k-labels-idx1-ubyte",
        (10000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
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
