"""Fashion-MNIST: 70,000 pictures of clothes, in MNIST's form."""

from __future__ import annotations

from xpnet.datasets._mnist import MNIST, present_idx
from xpnet.datasets._obtain import obtain
from xpnet.datasets._spec import IdxDataset, IdxFile
from xpnet.datasets._types import Dataset

# Hashes are published for the .gz files alone. So a download is proved by them; of other copies, unpacked or
# compressed again, are checked: format, shape and size, gzip's own CRC, labels in range and 6,000 (1,000) of
# each class, and that the bytes are none of MNIST's four files. A set of the same form and balance that is
# neither (KMNIST, say) passes there.
FASHION_MNIST = IdxDataset(
    name="fashion_mnist",
    title="Fashion-MNIST",
    train_images=IdxFile(
        "train-images-idx3-ubyte",
        (60000, 28, 28),
        gz_sha256="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    ),
    train_labels=IdxFile(
        "train-labels-idx1-ubyte",
        (60000,),
        gz_sha256="a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    ),
    test_images=IdxFile(
        "t10k-images-idx3-ubyte",
        (10000, 28, 28),
        gz_sha256="346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    ),
    test_labels=IdxFile(
        "t10k-labels-idx1-ubyte",
        (10000,),
        gz_sha256="67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
    mirrors=("https://storage.googleapis.com/tensorflow/tf-keras-datasets/",),
    subfolders=("fashion_mnist", "fashion-mnist", "FashionMNIST", "FashionMNIST/raw", "."),
    torchvision="FashionMNIST",
    keras="fashion-mnist",
    balanced=True,
    foreign={file.sha256: f"MNIST's {file.name}" for file in MNIST.files if file.sha256},
)


def fashion_mnist(*, normalize: bool = True, flatten: bool = True, one_hot: bool = False) -> Dataset:
    """Load Fashion-MNIST, 60,000 training and 10,000 test images of clothes.

    The classes are T-shirt/top, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot. The
    files are looked for as `mnist` does; in ``XPNET_DATA``, in the subfolder ``fashion_mnist``,
    ``fashion-mnist`` or ``FashionMNIST``, or in the folder itself. MNIST's files, which have the same names,
    are recognised and refused.

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
