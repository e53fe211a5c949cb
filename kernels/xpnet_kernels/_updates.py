"""What the optimizer updates share: results may go back into the arrays they came from, flat and typed."""

from __future__ import annotations

from typing import Any

from xpnet_kernels import _launch
from xpnet_kernels._arrays import Array, empty, store

Arrays = tuple[Array, ...]


def update_cpu(kernel: Any, arrays: Arrays, numbers: tuple[float, ...], out: Arrays | None) -> Arrays:
    """Run a CPU kernel `kernel(*arrays, *numbers, *results)` on flat arrays.

    Parameters
    ----------
    kernel : njit function
    arrays : tuple of array, each of one shape and dtype
        What the kernel reads.
    numbers : tuple of float
        Hyper-parameters; passed in the arrays' dtype, so that nothing widens.
    out : tuple of array, optional
        Receive the results; may be among `arrays`. By default new arrays do.

    Returns
    -------
    tuple of array
        All results: one fewer than the arrays, since the gradient is read only.
    """
    results, flat = _prepare(arrays, numbers, out)
    kernel(*flat)
    return results


def update_cuda(kernel: Any, arrays: Arrays, numbers: tuple[float, ...], out: Arrays | None) -> Arrays:
    """Run a CUDA kernel as `update_cpu` runs a CPU kernel, one thread an element."""
    results, flat = _prepare(arrays, numbers, out)
    _launch.launch_over(arrays[0].size, kernel, *flat)
    return results


def _prepare(arrays: Arrays, numbers: tuple[float, ...], out: Arrays | None) -> tuple[Arrays, list[Any]]:
    W = arrays[0]
    results = out if out is not None else tuple(empty(W.shape, like=W) for _ in arrays[1:])
    flat = [array.reshape(-1) for array in arrays]
    flat += [W.dtype.type(number) for number in numbers]
    flat += [flat_view(result) for result in results]
    return results, flat


def flat_view(array: Array) -> Array:
    """Return `array` as one axis, sharing its memory, so that writing to the view writes to the array.

    Raises
    ------
    ValueError
        If the array is not C-contiguous: a flattened copy would swallow the update.
    """
    if not array.flags.c_contiguous:
        raise ValueError(
            f"out must be C-contiguous, got shape {array.shape} with strides {array.strides}; "
            "make it so with xp.ascontiguousarray(out)"
        )
    return array.reshape(-1)


def store_all(out: Arrays | None, values: Arrays) -> Arrays:
    """Return `values`, or write each into its array of `out` and return `out`."""
    return values if out is None else tuple(store(*pair) for pair in zip(out, values, strict=True))
