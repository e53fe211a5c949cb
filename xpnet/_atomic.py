"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that no reader, and no crash, ever sees half a file.

    The bytes go to a temporary file in the same folder, are flushed to the disk, and take the name `path` in
    one step. Two processes may write the same path at once: each file is whole, and the last one stays. The
    new file has the mode that `open` would have given it; a symbolic link stays a link and its target is
    replaced.

    Parameters
    ----------
    path : Path
        The file to make or replace; its folder must exist.
    data : bytes
        The whole content.

    Raises
    ------
    OSError
        When the folder is missing, read-only or full, or `path` is a folder, a device or a pipe. `path` is
        then as it was, and no temporary file is left.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise FileExistsError(errno.EEXIST, "A folder or a device; give the name of a file", str(target))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "The folder does not exist; make it first", str(target.parent))
    temporary = target.with_name(f".xpnet-{os.getpid()}-{secrets.token_hex(4)}.tmp")
    # os.open and not tempfile: mkstemp forces mode 0600, and reading the umask to undo that is not
    # thread-safe.
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(temporary, flags, 0o666), "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    # Without this a power cut may undo the rename. Windows and some network disks cannot open or sync a
    # folder.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
