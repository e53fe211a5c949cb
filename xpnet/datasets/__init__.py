"""Data sets, as NumPy arrays: ``(x_train, t_train), (x_test, t_test) = xpnet.datasets.mnist()``.

`digits` is built in and cannot fail; `mnist` and `fashion_mnist` are found on the disk or downloaded, and
proved by their hashes; `from_csv` and `from_idx` read labelled images from a CSV file and from IDX files;
`load` takes any of them by name or path, and `catalog` lists the names. Moving the arrays to a device is the
net's job.
"""

from xpnet.datasets._catalog import CatalogEntry, catalog, load
from xpnet.datasets._csv import from_csv
from xpnet.datasets._digits import digits
from xpnet.datasets._errors import DatasetError
from xpnet.datasets._fashion import fashion_mnist
from xpnet.datasets._from_idx import from_idx
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
    "from_idx",
    "load",
    "mnist",
]
