"""The only module that imports numba (with its `_cache.py`), and not before a kernel first runs.

`import xpnet` must not pay for numba, yet a kernel should read like any Numba kernel. So `njit` and
`cuda.jit` here note the function and return a stand-in. The first call of any imports numba and puts the
real dispatchers, and the real `numba.cuda`, in place of the stand-ins in all modules. Numba compiles a kernel
for the types of its first call: with a signature it would compile at import, and need a driver.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, TypeVar, cast

from xpnet_kernels import _compiler, _deferred, _newer_numpy
from xpnet_kernels._deferred import Deferred, DeferredCuda, DeferredModule, ModulesForLater

F = TypeVar("F", bound=Callable[..., Any])

# NaN and infinity keep their meaning; sums may be reordered to vectorise.
_FASTMATH = {"nsz", "arcp", "contract", "afn", "reassoc"}
# Without "nrt" a kernel counts no references to arrays. It would at every call, atomically, for each array of
# a net: that took half of a small net's step, and more where two threads counted for the same arrays.
_CPU_OPTIONS: dict[str, Any] = {"nogil": True, "fastmath": _FASTMATH, "error_model": "numpy", "_nrt": False}

_cpu_kernels: list[Deferred] = []
_cuda_kernels: list[Deferred] = []
_loaded: set[str] = set()
modules_for_later = ModulesForLater()


def njit(function: F) -> F:
    """Compile a function for the CPU when it is first called; see `numba.njit`.

    It makes no array and returns none (slices and `view` give parts), and releases the GIL.
    """
    if "cpu" in _loaded:
        return cast(F, _compile_cpu(function))
    deferred = Deferred(function, load_cpu, _compile_cpu)
    _cpu_kernels.append(deferred)
    return cast(F, deferred)


def _compile_cpu(function: Callable[..., Any]) -> Any:
    import numba

    from xpnet_kernels._cache import MachineCode

    kernel = numba.njit(function, **_CPU_OPTIONS)
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


def on_device(function: F, **instead: Any) -> F:
    """Compile an `njit` function again, for CUDA kernels, where names in `instead` mean something else."""
    plain = function.function if isinstance(function, Deferred) else getattr(function, "py_func", function)
    if instead:
        plain = FunctionType(plain.__code__, {**plain.__globals__, **instead})
    return cast(F, _for_cuda(plain, _compile_device))


def device_inline(function: F) -> F:
    """Compile a function that becomes part of the code of each CUDA kernel that calls it.

    The arrays of a thread stay in registers then, and the constants of the kernel are its constants.
    """
    return cast(F, _for_cuda(function, _compile_inline))


def cuda_intrinsic(twin: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """Make a function for CUDA kernels of a code generator; see `numba.cuda.extending.intrinsic`.

    In the simulator `twin` does the same in plain Python. Generators use `ir`, `cuda_cgutils`, `cuda_types`.
    """

    def compile_(generator: Callable[..., Any]) -> Any:
        if _simulated():
            return twin
        from numba.cuda.extending import intrinsic

        return intrinsic(generator)

    return lambda generator: _for_cuda(generator, compile_)


def kernel_for(make: Callable[[Any], Callable[..., Any]]) -> Any:
    """Compile a CUDA kernel for each plan: `make(plan)` returns its function, to which `plan` is constant.

    Calling the result with a plan, which must be hashable, returns the kernel, the same one each time.
    """
    return _for_cuda(make, _compile_family)


def _for_cuda(function: Callable[..., Any], compile_: Callable[..., Any]) -> Any:
    if "cuda" in _loaded:
        return compile_(function)
    deferred = Deferred(function, load_cuda, compile_)
    _cuda_kernels.append(deferred)
    return deferred


def cuda_kernels() -> list[Any]:
    """Return every CUDA kernel that can be launched, loaded, in the order of definition."""
    return _loaded_by(_compile_cuda)


def kernel_families() -> list[Any]:
    """Return what `kernel_for` made, loaded, in the order of definition."""
    return _loaded_by(_compile_family)


def _loaded_by(compile_: Callable[..., Any]) -> list[Any]:
    load_cuda()
    return [deferred.compiled for deferred in _cuda_kernels if deferred.compile is compile_]


def load_cpu() -> None:
    """Import numba and put its dispatchers in place of the CPU stand-ins.

    Raises
    ------
    NoCompilerError
        If numba is not installed, or compiles nothing.
    """
    with _compiler.loading:
        _compiler.require()
        _bind_cpu()


def _bind_cpu() -> None:
    with _compiler.loading:
        if "cpu" in _loaded:
            return
        from numba.core import config
        from numba.core.compiler_lock import global_compiler_lock

        _deferred.note_all_modules()
        for module in (ir, cgutils, types):
            _deferred.replace_everywhere(module, module.load())
        # No thread may compile a kernel that is bound while one that it calls is still a stand-in.
        with global_compiler_lock:
            for deferred in _cpu_kernels:
                deferred.bind()
        _loaded.add("cpu")
        _compiler.note_loaded(compiled=not vars(config)["DISABLE_JIT"])


ir: Any = DeferredModule("llvmlite.ir")
cgutils: Any = DeferredModule("numba.core.cgutils")
types: Any = DeferredModule("numba.core.types")
"""What a code generator needs."""

cuda_types: Any = DeferredModule("numba.cuda.types")
cuda_cgutils: Any = DeferredModule("numba.cuda.cgutils")
"""The same for CUDA kernels, of which numba-cuda has its own."""


def intrinsic(generator: Callable[..., Any]) -> Any:
    """Make a function for kernels of a code generator; see `numba.extending.intrinsic`.

    The module that calls this imports `ir`, `cgutils` and `types` from here by name.
    """
    deferred = Deferred(generator, load_cpu, _compile_intrinsic)
    _cpu_kernels.append(deferred)
    return deferred


def _compile_intrinsic(generator: Callable[..., Any]) -> Any:
    from numba.extending import intrinsic

    return intrinsic(generator)


def host_features() -> Mapping[str, bool]:
    """Return the instruction sets that Numba compiles for by LLVM's names, e.g. `"avx512f"`."""
    from numba.core import codegen, config

    host, chosen = codegen.get_host_cpu_features(), vars(config)["CPU_FEATURES"]  # type: ignore[no-untyped-call]
    return {name[1:]: name[0] == "+" for name in (host if chosen is None else chosen).split(",") if name}


def _note_cuda(function: Callable[..., Any], device: bool) -> Any:
    return _for_cuda(function, _compile_device if device else _compile_cuda)


cuda = DeferredCuda(_note_cuda)
"""`numba.cuda`, or its stand-in; kernels use this bare name, which the simulator replaces."""


def _compile_cuda(function: Callable[..., Any]) -> Any:
    from numba import cuda

    return cuda.jit(function)  # type: ignore[no-untyped-call]


def _compile_device(function: Callable[..., Any], **how: Any) -> Any:
    from numba import cuda

    return cuda.jit(device=True, **how)(function)  # type: ignore[no-untyped-call]


def _compile_inline(function: Callable[..., Any]) -> Any:
    return _compile_device(function) if _simulated() else _compile_device(function, forceinline=True)


def _compile_family(make: Callable[[Any], Callable[..., Any]]) -> Any:
    return functools.cache(functools.wraps(make)(lambda plan: _compile_cuda(make(plan))))


def _simulated() -> bool:
    from numba.cuda.core import config

    return bool(config.ENABLE_CUDASIM)


def load_cuda() -> None:
    """Import `numba.cuda` (its simulator under NUMBA_ENABLE_CUDASIM=1) and put it in place."""
    with _compiler.loading:
        if "cuda" in _loaded:
            return
        modules_for_later.load()
        _bind_cpu()  # numba-cuda compiles all the same
        from numba import cuda as numba_cuda

        _newer_numpy.teach_numba_cuda(_simulated())
        _deferred.replace_everywhere(cuda, numba_cuda)
        for module in (cuda_types, cuda_cgutils):
            _deferred.replace_everywhere(module, module.load())
        for deferred in _cuda_kernels:
            deferred.bind()
        _loaded.add("cuda")
