"""The only module that imports numba (with its `_cache.py`), and not before a kernel first runs.

`import xpnet` must not pay for numba, yet a kernel should read like any Numba kernel. So `njit` and
`cuda.jit` here note the function and return a stand-in. The first call of any stand-in imports numba and
puts the real dispatchers, and the real `numba.cuda`, in place of the stand-ins in the modules that hold
them. Nothing is compiled then either: Numba compiles a kernel for the types of its first call.

No kernel has an explicit signature: it would compile at import, and `cuda.jit` would need a driver.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, TypeVar, cast, overload

F = TypeVar("F", bound=Callable[..., Any])

# NaN and infinity keep their meaning (no "nnan", "ninf"); sums may be reordered to vectorise.
_FASTMATH = {"nsz", "arcp", "contract", "afn", "reassoc"}


class _Deferred:
    """Stands for a kernel until numba is loaded."""

    def __init__(self, function: Callable[..., Any], load: Callable[[], None], compile_: Any) -> None:
        _modules[id(function.__globals__)] = function.__globals__
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
    for names in _modules.values():
        for name in [name for name, value in names.items() if value is old]:
            names[name] = new


_modules: dict[int, dict[str, Any]] = {}
_cpu_kernels: list[_Deferred] = []
_cuda_kernels: list[_Deferred] = []
_loaded: set[str] = set()
_loading = threading.RLock()


def njit(function: F) -> F:
    """Compile a function for the CPU when it is first called; see `numba.njit`.

    The result releases the GIL, keeps its machine code on disk where a folder can be written, divides by
    zero as NumPy does. `on_device` makes a twin of it for CUDA kernels.
    """
    if "cpu" in _loaded:
        return cast(F, _compile_cpu(function))
    deferred = _Deferred(function, load_cpu, _compile_cpu)
    _cpu_kernels.append(deferred)
    return cast(F, deferred)


def _compile_cpu(function: Callable[..., Any]) -> Any:
    import numba

    from xpnet_kernels._cache import MachineCode

    kernel = numba.njit(function, nogil=True, fastmath=_FASTMATH, error_model="numpy")
    # "No locator available": neither the package nor a home folder can be written, nothing is kept.
    with contextlib.suppress(RuntimeError):
        kernel._cache = MachineCode(function)
    return kernel


def cpu_kernels() -> list[Any]:
    """Return every CPU kernel, loaded, in the order of definition."""
    load_cpu()
    return [deferred.compiled for deferred in _cpu_kernels if deferred.compile is _compile_cpu]


def folders() -> list[str]:
    """Return the folders where new machine code of CPU kernels is kept; none if it is not."""
    caches = [kernel._cache for kernel in cpu_kernels()]
    return sorted({str(cache.cache_path) for cache in caches if not getattr(cache, "read_only", True)})


def on_device(function: F) -> F:
    """Compile an `njit` function a second time, for CUDA kernels to call under the name of the result."""
    plain = function.function if isinstance(function, _Deferred) else getattr(function, "py_func", function)
    if "cuda" in _loaded:
        return cast(F, _compile_device(plain))
    deferred = _Deferred(plain, load_cuda, _compile_device)
    _cuda_kernels.append(deferred)
    return cast(F, deferred)


def cuda_kernels() -> list[Any]:
    """Return every CUDA kernel that can be launched, loaded, in the order of definition."""
    load_cuda()
    return [deferred.compiled for deferred in _cuda_kernels if deferred.compile is _compile_cuda]


def load_cpu() -> None:
    """Import numba and put its dispatchers in place of the CPU stand-ins."""
    with _loading:
        if "cpu" in _loaded:
            return
        from numba.core.compiler_lock import global_compiler_lock

        for name, module in list(sys.modules.items()):
            if name.startswith(__package__):  # also those that only import kernels
                _modules[id(vars(module))] = vars(module)
        for module in (ir, cgutils, types):
            replace_everywhere(module, module.load())
        # No thread may compile a kernel that is bound while one that it calls is still a stand-in.
        with global_compiler_lock:
            for deferred in _cpu_kernels:
                deferred.bind()
        _loaded.add("cpu")


class _DeferredModule:
    """Stands for a module until numba is loaded; code generators use it, which run later still."""

    def __init__(self, name: str) -> None:
        self._name = name

    def load(self) -> ModuleType:
        """Import the module that this stands for."""
        return importlib.import_module(self._name)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{self._name}.{name} is there only once numba is loaded")


ir: Any = _DeferredModule("llvmlite.ir")
cgutils: Any = _DeferredModule("numba.core.cgutils")
types: Any = _DeferredModule("numba.core.types")
"""What a code generator needs: LLVM's instructions, Numba's helpers and types."""


def intrinsic(generator: Callable[..., Any]) -> Any:
    """Make a function for kernels of a code generator; see `numba.extending.intrinsic`.

    The module that calls this imports `ir`, `cgutils` and `types` from here by name.
    """
    deferred = _Deferred(generator, load_cpu, _compile_intrinsic)
    _cpu_kernels.append(deferred)
    return deferred


def _compile_intrinsic(generator: Callable[..., Any]) -> Any:
    from numba.extending import intrinsic

    return intrinsic(generator)


def host_features() -> Mapping[str, bool]:
    """Return the instruction sets of this machine's processor by LLVM's names, e.g. `"avx512f"`."""
    from llvmlite import binding

    features: Mapping[str, bool] = binding.get_host_cpu_features()
    return features


class _DeferredCuda:
    """Stands for `numba.cuda` until a CUDA kernel first runs."""

    @overload
    def jit(self, function: Callable[..., Any]) -> Any: ...
    @overload
    def jit(self, *, device: bool) -> Callable[[F], F]: ...
    def jit(self, function: Any = None, *, device: bool = False) -> Any:
        """Note a CUDA kernel or, with `device=True`, a function for kernels; see `numba.cuda.jit`."""

        def note(function: Callable[..., Any]) -> _Deferred:
            deferred = _Deferred(function, load_cuda, _compile_device if device else _compile_cuda)
            _cuda_kernels.append(deferred)
            return deferred

        return note if function is None else note(function)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"cuda.{name} exists inside kernels only; numba.cuda is loaded when one first runs"
        )


cuda = _DeferredCuda()
"""`numba.cuda`, or its stand-in; kernels use this bare name, which the CUDA simulator replaces."""


def _compile_cuda(function: Callable[..., Any]) -> Any:
    from numba import cuda

    return cuda.jit(function)  # type: ignore[no-untyped-call]


def _compile_device(function: Callable[..., Any]) -> Any:
    from numba import cuda

    return cuda.jit(device=True)(function)  # type: ignore[no-untyped-call]


def load_cuda() -> None:
    """Import `numba.cuda` (its simulator under NUMBA_ENABLE_CUDASIM=1) and put it in place."""
    with _loading:
        if "cuda" in _loaded:
            return
        load_cpu()
        from numba import cuda as numba_cuda

        replace_everywhere(cuda, numba_cuda)
        for deferred in _cuda_kernels:
            deferred.bind()
        _loaded.add("cuda")
