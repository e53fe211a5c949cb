"""What the optimizer updates share: results may go back into the arrays they came from, flat and typed."""

from __future__ import annotations

from operator import is_
from typing import Any

from xpnet_kernels import _launch
from xpnet_kernels._arrays import Array, empty, store

Arrays = tuple[Array, ...]


def update_cpu(
    fill: Any, renew: Any, arrays: Arrays, numbers: tuple[float, ...], out: Arrays | None
) -> Arrays:
    """Run a CPU kernel on flat arrays.

    Parameters
    ----------
    fill : njit function (*arrays, numbers, *results)
    renew : njit function (*arrays, numbers)
        The same in place. The compiler sees there that it reads and writes the same arrays, not only arrays
        that overlap somehow, and can use vector instructions.
    arrays : tuple of array, each of one shape and dtype
        What the kernel reads: the second is the gradient.
    numbers : tuple of float
        Hyper-parameters; passed in the arrays' dtype, so that nothing widens.
    out : tuple of array, optional
        Receive the results; may be among `arrays`. By default new arrays do.

    Returns
    -------
    tuple of array
        All results: one fewer than the arrays, since the gradient is read only.
    """
    if out is not None and _are_renewed(arrays, out):
        typed = tuple(map(arrays[0].dtype.type, numbers))
        renew(*[array.reshape(-1) for array in arrays], typed)
        return out
    results, flat = _prepare(arrays, numbers, out)
    fill(*flat)
    return _finished(results, out)


def _are_renewed(arrays: Arrays, out: Arrays) -> bool:
    """Return whether the results go where the arrays came from, into C-contiguous memory."""
    return all(map(is_, out, arrays[:1] + arrays[2:])) and _are_contiguous(out)


def _are_contiguous(arrays: Arrays) -> bool:
    return all(array.flags.c_contiguous for array in arrays)


def update_cuda(kernel: Any, arrays: Arrays, numbers: tuple[float, ...], out: Arrays | None) -> Arrays:
    """Run a CUDA kernel `kernel(*arrays, numbers, *results)` as `update_cpu` does, one thread an element."""
    results, flat = _prepare(arrays, numbers, out)
    _launch.launch_over(arrays[0].size, kernel, *flat)
    return _finished(results, out)


def _prepare(arrays: Arrays, numbers: tuple[float, ...], out: Arrays | None) -> tuple[Arrays, list[Any]]:
    """Return the results and all of a kernel's arguments, flat; kernels write to C-contiguous memory only."""
    W = arrays[0]
    in_place = out is not None and _are_contiguous(out)
    results = out if in_place else tuple(empty(W.shape, like=W) for _ in arrays[1:])
    assert results is not None
    flat: list[Any] = [array.reshape(-1) for array in arrays]
    flat.append(tuple(W.dtype.type(number) for number in numbers))
    flat += [result.reshape(-1) for result in results]
    return results, flat


def _finished(results: Arrays, out: Arrays | None) -> Arrays:
    return results if results is out else store_all(out, results)


def store_all(out: Arrays | None, values: Arrays) -> Arrays:
    """Return `values`, or write each into its array of `out` and return `out`."""
    return values if out is None else tuple(store(*pair) for pair in zip(out, values, strict=True))
