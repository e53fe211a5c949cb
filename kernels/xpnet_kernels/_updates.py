"""What the optimizer updates share: results may go back into the arrays they came from, flat and typed."""

from __future__ import annotations

import operator
from typing import Any

from xpnet_kernels import _launch
from xpnet_kernels._arrays import Array, empty, store

Arrays = tuple[Array, ...]


def update_cpu(kernel: Any, arrays: Arrays, numbers: tuple[float, ...], out: Arrays | None) -> Arrays:
    """Run a CPU kernel `kernel(*arrays, numbers)` that renews all its flat arrays but the gradient.

    The kernel works in place: where results might lie over what is still to be read, LLVM vectorises nothing.

    Parameters
    ----------
    kernel : njit function
    arrays : tuple of array, each of one shape and dtype
        W, its gradient, and what the update keeps.
    numbers : tuple of float
        Hyper-parameters; passed in the arrays' dtype, so that nothing widens.
    out : tuple of array, optional
        Receive the results: for each array that is renewed itself, or another. By default new arrays do.

    Returns
    -------
    tuple of array
        All results: one fewer than the arrays, since the gradient is read only.
    """
    W, gradient, *kept = arrays
    own = W, *kept
    # Others may be the gradient, or another array that is still to be read.
    in_place = out is not None and all(map(operator.is_, out, own))
    results = _contiguous(W, arrays, out if in_place else None)
    if results is not out:
        for result, array in zip(results, own, strict=True):
            result[...] = array
    flat = [array.reshape(-1) for array in (results[0], gradient, *results[1:])]
    kernel(*flat, _numbers(W, numbers))
    return _finished(results, out)


def update_cuda(kernel: Any, arrays: Arrays, numbers: tuple[float, ...], out: Arrays | None) -> Arrays:
    """Run a CUDA kernel `kernel(*arrays, numbers, *results)`, one thread an element; see `update_cpu`."""
    results = _contiguous(arrays[0], arrays, out)
    flat, into = ([array.reshape(-1) for array in some] for some in (arrays, results))
    _launch.launch_over(arrays[0].size, kernel, *flat, _numbers(arrays[0], numbers), *into)
    return _finished(results, out)


def _contiguous(W: Array, arrays: Arrays, out: Arrays | None) -> Arrays:
    """Return `out` if all of it is C-contiguous, which is all that kernels write to, else new arrays."""
    if out is not None and all(array.flags.c_contiguous for array in out):
        return out
    return tuple(empty(W.shape, like=W) for _ in arrays[1:])


def _numbers(W: Array, numbers: tuple[float, ...]) -> tuple[Any, ...]:
    return tuple(W.dtype.type(number) for number in numbers)


def _finished(results: Arrays, out: Arrays | None) -> Arrays:
    return results if results is out else store_all(out, results)


def store_all(out: Arrays | None, values: Arrays) -> Arrays:
    """Return `values`, or write each into its array of `out` and return `out`."""
    return values if out is None else tuple(store(*pair) for pair in zip(out, values, strict=True))
