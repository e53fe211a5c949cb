"""Which library an array belongs to, found once per array type.

Data decides where work runs: an operation looks at the arrays it is given. Asking an array for its
namespace costs about a microsecond, so the answer is kept per type.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from xpnet_kernels._plain import MASKED

Array = Any
"""An array of any family: `numpy.ndarray`, `cupy.ndarray`, or another array-API array."""


class DeviceMismatchError(TypeError):
    """Arrays of two families or devices met in one operation."""


@dataclass(frozen=True)
class Family:
    """An array library: its short name (`"numpy"`, `"cupy"`, ...) and its namespace `xp`."""

    name: str
    xp: Any


_NUMPY = Family("numpy", np)
_by_type: dict[type, Family] = {np.ndarray: _NUMPY}


def family_of(array: Array) -> Family:
    """Return the family of one array; NumPy scalars count as NumPy arrays.

    Raises
    ------
    TypeError
        If `array` is not an array of a known family, or is a masked array or a `numpy.matrix`; see `plain`.
    """
    kind = type(array)
    family = _by_type.get(kind)
    if family is None:
        family = _by_type[kind] = _find_family(array)
    return family


def _find_family(array: Array) -> Family:
    if isinstance(array, np.matrix):
        raise TypeError("a numpy.matrix multiplies by rules of its own; convert it with numpy.asarray(...)")
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(MASKED)
    if isinstance(array, np.ndarray | np.generic):
        return _NUMPY
    root = type(array).__module__.partition(".")[0]
    if root == "cupy":
        return Family("cupy", sys.modules["cupy"])
    if hasattr(array, "__array_namespace__"):
        return Family(root, array.__array_namespace__())
    raise TypeError(
        f"expected a NumPy or CuPy array, got {type(array).__module__}.{type(array).__qualname__}; "
        "convert it with xpnet.asarray(...)"
    )


def is_array(value: object) -> bool:
    """Return whether `value` is an array (or NumPy scalar) of a known family."""
    return (
        type(value) in _by_type
        or isinstance(value, np.ndarray | np.generic)
        or hasattr(value, "__array_namespace__")
        or (type(value).__module__.partition(".")[0] == "cupy" and hasattr(value, "dtype"))
    )


def namespace(array: Array) -> Any:
    """Return the module `xp` whose functions take `array`."""
    return family_of(array).xp


def device_name(array: Array) -> str:
    """Return where an array lives, in words for an error message."""
    family = family_of(array)
    device: Any = getattr(array, "device", "cpu")
    where = f"CUDA device {device.id}" if family.name == "cupy" else device
    return f"a {family.name} array on {where}"


def common_family(title: str, names: tuple[str, ...], arrays: tuple[Array, ...]) -> Family:
    """Return the one family of an operation's arrays (`None` entries are skipped).

    Raises
    ------
    DeviceMismatchError
        If two arrays belong to different families; names the operation, the arguments and the fix.
    TypeError
        If one of them is not an array.
    """
    first: Family | None = None
    for index, array in enumerate(arrays):
        if array is None:
            continue
        try:
            family = family_of(array)
        except TypeError as error:
            raise TypeError(f"{title}: {_argument(names, index)}: {error}") from None
        if first is None:
            first = family
        elif family is not first and family.name != first.name:
            _raise_mismatch(title, names, arrays)
    if first is None:
        raise TypeError(f"{title}: expected at least one array, got none")
    return first


def _argument(names: tuple[str, ...], index: int) -> str:
    """Return an argument's name; those beyond the last name belong to a `*arrays`."""
    return names[index] if index < len(names) else f"{names[-1]}[{index - len(names) + 1}]"


def _raise_mismatch(title: str, names: tuple[str, ...], arrays: tuple[Array, ...]) -> None:
    places = ", ".join(
        f"{_argument(names, index)} is {device_name(array)}"
        for index, array in enumerate(arrays)
        if array is not None
    )
    raise DeviceMismatchError(
        f"{title}: {places}; all must be of one family on one device. Move a net with net.to('cpu') or "
        "net.to('gpu'), an array with xpnet.asarray(array) or xpnet.to_numpy(array)."
    )


def arange(n: int, like: Array) -> Array:
    """Return 0, 1, ..., n-1 as integers on the device of `like`."""
    family = family_of(like)
    if family.name in ("numpy", "cupy"):
        return family.xp.arange(n)
    return family.xp.arange(n, device=like.device)


def asarray_like(values: Any, like: Array, dtype: Any = None) -> Array:
    """Return host values (a list, a number, a NumPy array) as an array on the device of `like`."""
    family = family_of(like)
    if family.name in ("numpy", "cupy"):
        return family.xp.asarray(values, dtype=dtype)
    return family.xp.asarray(values, dtype=dtype, device=like.device)


def shape_of(values: Any) -> tuple[int, ...]:
    """Return the shape of an array of any family, a list or a number."""
    return tuple(values.shape) if hasattr(values, "shape") else np.shape(values)


def dtype_name(array: Array) -> str:
    """Return an array's dtype as a plain name, e.g. `"float32"`, in every family."""
    return str(array.dtype).rpartition(".")[2]


def is_kind(array: Array, kind: str) -> bool:
    """Return whether an array's dtype is of a kind named by the standard, one of `_KINDS`.

    `np.isdtype` says the same and takes two microseconds: a layer asks at each step.
    """
    family = family_of(array)
    if family.name in ("numpy", "cupy"):
        return array.dtype.kind in _KINDS[kind]
    return bool(family.xp.isdtype(array.dtype, kind))


_KINDS = {"real floating": "f", "integral": "iu", "unsigned integer": "u"}
"""The standard's names for kinds of dtypes, and NumPy's letters."""


def reshaped(array: Array, shape: tuple[int, ...]) -> Array:
    """Return `array` in another shape; `array` itself if it has it already."""
    return array if array.shape == shape else namespace(array).reshape(array, shape)


def take_rows(array: Array, indices: Array) -> Array:
    """Return the rows of `array` at `indices`."""
    family = family_of(array)
    if family.name in ("numpy", "cupy"):
        return array.take(indices, axis=0)  # the function `take` is slower by two microseconds
    return family.xp.take(array, indices, axis=0)


def cast(array: Array, dtype: Any) -> Array:
    """Return `array` in a dtype given as a name or a NumPy dtype; `array` itself if it has it already."""
    family = family_of(array)
    if family.name in ("numpy", "cupy"):
        return array.astype(dtype, copy=False)
    return family.xp.astype(array, getattr(family.xp, np.dtype(dtype).name), copy=False)


def empty(shape: tuple[int, ...], like: Array) -> Array:
    """Return an uninitialised C-contiguous array of `like`'s family, device and dtype."""
    return family_of(like).xp.empty(shape, dtype=like.dtype)


BOUNDARY = 64
"""Bytes of a cache line, and of the widest vector. NumPy's own large arrays begin 16 bytes further."""


def aligned_empty(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an uninitialised C-contiguous NumPy array that begins at a multiple of BOUNDARY.

    Kernels read samples that begin there where they lie, and copy others batch by batch.
    """
    size = np.dtype(dtype).itemsize * math.prod(shape)
    raw = np.empty(size + BOUNDARY, np.uint8)
    start = -raw.ctypes.data % BOUNDARY
    return raw[start : start + size].view(dtype).reshape(shape)


def as_taken(array: Array) -> Array:
    """Return a NumPy array as kernels take it, so that each is compiled once: contiguous, aligned, writable.

    What is read-only, such as a data set in a mapped file, is not copied: the result is another view of
    it, and must not be written to.
    """
    if not (array.flags.c_contiguous and array.flags.aligned):
        made = aligned_empty(array.shape, array.dtype)
        made[...] = array
        return made
    if array.flags.writeable:
        return array
    interface = array.__array_interface__
    view = {**interface, "data": (interface["data"][0], False)}
    return np.asarray(SimpleNamespace(__array_interface__=view, owner=array))


def empty_bytes(count: int, like: Array) -> Array:
    """Return uninitialised uint8 memory on the device of `like`."""
    return family_of(like).xp.empty(count, dtype="uint8")


def store(out: Array | None, value: Array) -> Array:
    """Return `value`, or write it into `out` and return `out`."""
    if out is None:
        return value
    out[...] = value
    return out
