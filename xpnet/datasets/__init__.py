"""Data sets, as NumPy arrays: ``(x_train, t_train), (x_test, t_test) = xpnet.datasets.mnist()``.

`digits` is built in and cannot fail; `mnist` and `fashion_mnist` are found on the disk or downloaded, and
proved by their hashes (of copies of Fashion-MNIST form and content are checked); `from_csv` reads labelled
images from a CSV file; `load` takes any of them by name, and `catalog` lists them. Moving the arrays to a
device is the net's job.
"""

from xpnet.datasets._catalog import CatalogEntry, catalog, load
from xpnet.datasets._csv import from_csv
from xpnet.datasets._digits import digits
from xpnet.datasets._errors import DatasetError
from xpnet.datasets._fashion import fashion_mnist
from xpnet.datasets._mnist import mnist
from xpnet.datasets._types import Dataset, Split

__all__ = [
    "CatalogEntry",
    "Dataset",
    "DatasetError",
    "Split",
    "catalog",
    "digits",
    "fashion_mnist",
    "from_csv",
    "load",
    "mnist",
]
