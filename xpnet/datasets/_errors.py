"""The one error of the loaders, and the one sentence it is made of."""

from __future__ import annotations

import os


class DatasetError(ValueError):
    """A data file is missing, damaged or not what its name says, or could not be downloaded.

    The message names the file, what was expected of it, what was found, and what to do.
    """


def bad_file(
    where: str | os.PathLike[str],
    *,
    expected: str,
    found: str,
    fix: str = "Delete or replace this file, or set XPNET_DATA to a folder with four good ones.",
) -> DatasetError:
    """Make (not raise) a `DatasetError` of the usual form.

    Parameters
    ----------
    where : str or path
        The file, its line where there is one, or the address.
    expected, found : str
        Two noun phrases.
    fix : str
        A sentence that says what to do.
    """
    return DatasetError(f"{os.fspath(where)}: expected {expected}, found {found}. {fix}")
