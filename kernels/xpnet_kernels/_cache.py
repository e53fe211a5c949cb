"""Where machine code is kept on disk; loaded by `_jit.py` together with numba.

Numba's cache, in five points stricter: a change in any file of this package makes all its code stale (a
kernel holds the code of those that it calls, from other files); code compiled under other settings of Numba
is kept apart; writers in several processes take turns (two that save different types of a kernel at once
could else swap their code); a damaged file counts as absent; and code that was compiled into a package folder
that is now read-only is used.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llvmlite
from numba.core import caching, config

_NOT_IN_CODE = frozenset(
    {
        # folders and programs
        "CACHE_DIR", "CACHE_LOCATOR_CLASSES", "GDB_BINARY",
        # messages
        "CHROME_TRACE", "COLOR_SCHEME", "DEBUG_CACHE", "DEVELOPER_MODE", "DISABLE_PERFORMANCE_WARNINGS",
        "FULL_TRACEBACKS", "SHOW_HELP",
        # threads: code for several of them is not made here
        "NUMBA_DEFAULT_NUM_THREADS", "NUMBA_NUM_THREADS", "THREADING_LAYER", "THREADING_LAYER_PRIORITY",
        # GPUs; and no kernel is compiled at all
        "DISABLE_CUDA", "DISABLE_JIT", "ENABLE_CUDASIM", "FORCE_CUDA_CC",
        "FUNCTION_CACHE_SIZE",
    }
)  # fmt: skip
"""Numba's settings without an effect on machine code; those whose names begin with CUDA have none either.

All others count, those of a later Numba too: a setting too many costs a compilation, one too few gives the
wrong code. Settings that print what is compiled (DUMP_ASSEMBLY) count because nothing is printed otherwise.
"""


class PersonalFolder(caching.UserWideCacheLocator):
    """The user's own cache folder; none where that is relative, as of a user without a home."""

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Any:
        """Return the folder for a function if it is there and can be written."""
        if not os.path.isabs(cls(py_func, py_file).get_cache_path()):
            return None
        return super().from_function(py_func, py_file)


class InstalledFolder(caching.InTreeCacheLocator):
    """The package's own folder if it holds machine code, to read only."""

    def ensure_cache_path(self) -> None:
        """Raise OSError unless there is machine code in the folder."""
        with os.scandir(self.get_cache_path()) as files:
            if not any(file.name.endswith(".nbi") for file in files):
                raise FileNotFoundError(self.get_cache_path())


def _locators() -> list[Any]:
    personal: dict[Any, Any] = {caching.UserWideCacheLocator: PersonalFolder}
    known = caching.CompileResultCacheImpl._locator_classes
    return [*(personal.get(locator, locator) for locator in known), InstalledFolder]


class _Code(caching.CompileResultCacheImpl):
    _locator_classes = _locators()


class MachineCode(caching.FunctionCache):
    """The machine code of one kernel, a file for each set of argument types.

    Raises
    ------
    RuntimeError
        If no folder can be written and none holds code.
    """

    _impl_class = _Code

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = self._files_in(self.cache_path)
        self._installed = None
        if isinstance(self._impl.locator, PersonalFolder):  # NUMBA_CACHE_DIR means that folder alone
            installed = InstalledFolder.from_function(function, function.__code__.co_filename)
            self._installed = None if installed is None else self._files_in(installed.get_cache_path())

    @property
    def read_only(self) -> bool:
        """Whether new code cannot be kept."""
        return isinstance(self._impl.locator, InstalledFolder)

    def _files_in(self, folder: str) -> Any:
        stamp = self._impl.locator.get_source_stamp(), package_digest()
        return caching.IndexDataCacheFile(folder, self._impl.filename_base, stamp)

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        """Return what code is found by. LLVM reads some settings but once: those at the start count too."""
        return *super()._index_key(sig, codegen), llvmlite.__version__, _settings_at_load, settings_digest()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the code for argument types, or None if it has to be compiled."""
        target_context.refresh()
        config.reload_config()  # as the compiler does, which would save under another key else
        key = self._index_key(sig, target_context.codegen())
        for files in (self._cache_file, self._installed):
            # A file cut short, by a full disk or a power failure, raises nearly anything when read.
            with contextlib.suppress(Exception):
                data = None if files is None else files.load(key)
                if data is not None:
                    return self._impl.rebuild(target_context, data)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the code for argument types; a warning says so if that fails."""
        if self.read_only:
            return
        try:
            with _turn(self.cache_path):
                with contextlib.suppress(OSError):
                    self._forget_if_damaged()
                super().save_overload(sig, data)
        except OSError as error:
            warnings.warn(
                f"xpnet: machine code cannot be kept in {self.cache_path} ({error}), so it is compiled again "
                "at the next start; make room there, or set NUMBA_CACHE_DIR to another folder",
                RuntimeWarning,
                stacklevel=2,
            )

    def _forget_if_damaged(self) -> None:
        try:
            self._cache_file._load_index()
        except Exception:
            self.flush()


@functools.cache
def package_digest() -> bytes:
    """Return a hash of every source file of this package."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.digest()


def settings_digest() -> str:
    """Return a hash of Numba's settings, as they are now, on which machine code depends."""
    settings = sorted(
        (name, repr(value))
        for name, value in vars(config).items()
        if name.isupper() and not name.startswith(("_", "CUDA")) and name not in _NOT_IN_CODE
    )
    return hashlib.sha256(repr(settings).encode()).hexdigest()


_settings_at_load = settings_digest()


@contextlib.contextmanager
def _turn(folder: str) -> Iterator[None]:
    """Let no other process write in a folder, where the system has locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "xpnet.lock"), "ab") as lock:
        with contextlib.suppress(OSError):  # a network folder may have none
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
