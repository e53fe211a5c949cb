"""Stand-ins for kernels and modules until numba is loaded, and how what they stand for takes their place."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])

modules: dict[int, dict[str, Any]] = {}
"""The names of every module that defines or imports kernels."""


class Deferred:
    """Stands for a kernel until numba is loaded."""

    def __init__(self, function: Callable[..., Any], load: Callable[[], None], compile_: Any) -> None:
        modules[id(function.__globals__)] = function.__globals__
        self.function = function
        self.compile = compile_
        self._load = load
        self.compiled: Any = None

    def bind(self) -> None:
        """Replace this stand-in by the compiled kernel in every module that holds it."""
        self.compiled = self.compile(self.function)
        replace_everywhere(self, self.compiled)

    def __call__(self, *args: Any) -> Any:
        self._load()
        return self.compiled(*args)

    def __getitem__(self, launch: Any) -> Any:
        self._load()
        return self.compiled[launch]


def replace_everywhere(old: object, new: object) -> None:
    """Rebind to `new` every name that is bound to `old` in a module that defines or imports kernels."""
    for names in modules.values():
        for name in [name for name, value in names.items() if value is old]:
            names[name] = new


class DeferredModule:
    """Stands for a module until numba is loaded; code generators use it, which run later still."""

    def __init__(self, name: str) -> None:
        self._name = name

    def load(self) -> ModuleType:
        """Import the module that this stands for."""
        return importlib.import_module(self._name)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{self._name}.{name} is there only once numba is loaded")


class DeferredCuda:
    """Stands for `numba.cuda` until a CUDA kernel first runs; `note(function, device)` makes a stand-in."""

    def __init__(self, note: Callable[[Callable[..., Any], bool], Any]) -> None:
        self._note = note

    @overload
    def jit(self, function: Callable[..., Any]) -> Any: ...
    @overload
    def jit(self, *, device: bool) -> Callable[[F], F]: ...
    def jit(self, function: Any = None, *, device: bool = False) -> Any:
        """Note a CUDA kernel or, with `device=True`, a function for kernels; see `numba.cuda.jit`."""

        def note(function: Callable[..., Any]) -> Any:
            return self._note(function, device)

        return note if function is None else note(function)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"cuda.{name} exists in kernels only; numba.cuda is loaded when one first runs")


def note_all_modules() -> None:
    """Have `replace_everywhere` look into all modules of this package, also those without kernels."""
    for name, module in list(sys.modules.items()):
        if name.startswith(__package__):
            modules[id(vars(module))] = vars(module)


class ModulesForLater:
    """Modules of CUDA kernels that are not imported before numba.cuda is: `import xpnet` must be quick."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def note(self, name: str) -> None:
        """Have the module of this name imported then."""
        self._names.append(name)

    def load(self) -> None:
        """Import the modules that were noted; their kernels are noted by that."""
        for name in self._names:
            importlib.import_module(name)
        note_all_modules()
