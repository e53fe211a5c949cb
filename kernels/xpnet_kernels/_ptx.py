"""What CUDA kernels need and numba.cuda has no name for: the only file that holds PTX.

Each function stands beside a twin in plain Python, which serves in Numba's simulator. Arrays are flat and
C-contiguous; an index must lie within them, and a negative one does not count from the end: the test for it
costs an instruction or two at every access.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cuda_cgutils, cuda_intrinsic, cuda_types, ir

_one_at_a_time = threading.Lock()


def _address(context: Any, builder: Any, array_type: Any, array: Any, index_type: Any, index: Any) -> Any:
    """Return where array[index] lies."""
    start = context.make_array(array_type)(context, builder, array).data
    return builder.gep(start, [context.cast(builder, index, index_type, cuda_types.int64)], inbounds=True)


def _assembly(builder: Any, result: Any, instruction: str, constraints: str, *args: Any) -> Any:
    """Emit one PTX instruction that neither moves nor goes away; memory is not what it was before."""
    function = ir.FunctionType(result, [arg.type for arg in args])
    code = ir.InlineAsm(function, instruction, constraints + ",~{memory}", side_effect=True)
    return builder.call(code, args)


@cuda_intrinsic(lambda: None)
def mark_cooperative(typing: Any) -> Any:
    """Have the kernel launched so that all its blocks run at once, or not at all."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        context.active_code_library.use_cooperative = True
        return context.get_dummy_value()

    return cuda_types.void(), generate


def _add_one(array: Array, index: int) -> None:
    with _one_at_a_time:
        array[index] += np.uint32(1)


@cuda_intrinsic(_add_one)
def add_one_release(typing: Any, array: Any, index: Any) -> Any:
    """Add 1 to array[index] of a uint32 array, not before all that came earlier can be seen.

    What other threads of the block wrote is among it, if `syncthreads` lies between.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = _address(context, builder, array, args[0], index, args[1])
        _assembly(builder, ir.VoidType(), "red.release.gpu.global.add.u32 [$0], 1;", "l", at)
        return context.get_dummy_value()

    return cuda_types.void(array, index), generate


def _load_acquire(array: Array, index: int) -> Any:
    time.sleep(0)  # the threads of the simulator share a processor
    return array[index]


@cuda_intrinsic(_load_acquire)
def load_acquire(typing: Any, array: Any, index: Any) -> Any:
    """Return array[index] of a uint32 array; what its writer released with it can be seen from then on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = _address(context, builder, array, args[0], index, args[1])
        return _assembly(builder, ir.IntType(32), "ld.acquire.gpu.global.u32 $0, [$1];", "=r,l", at)

    return cuda_types.uint32(array, index), generate


def _set_bits(array: Array, index: int, bits: Any) -> None:
    with _one_at_a_time:
        array[index] |= bits


@cuda_intrinsic(_set_bits)
def set_bits(typing: Any, array: Any, index: Any, bits: Any) -> Any:
    """Set bits of array[index] of a uint32 array, not before all that came earlier can be seen."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = _address(context, builder, array, args[0], index, args[1])
        _assembly(builder, ir.VoidType(), "red.release.gpu.global.or.b32 [$0], $1;", "l,r", at, args[2])
        return context.get_dummy_value()

    return cuda_types.void(array, index, cuda_types.uint32), generate


def _add(array: Array, index: int, value: Any) -> None:
    with _one_at_a_time:
        array[index] += value


@cuda_intrinsic(_add)
def add_relaxed(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Add to array[index] of a float32 array, in any order with the others that do."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = _address(context, builder, array, args[0], index, args[1])
        _assembly(builder, ir.VoidType(), "red.relaxed.gpu.global.add.f32 [$0], $1;", "l,f", at, args[2])
        return context.get_dummy_value()

    return cuda_types.void(array, index, cuda_types.float32), generate


@cuda_intrinsic(lambda array, index: array[index])
def load(typing: Any, array: Any, index: Any) -> Any:
    """Return array[index]."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_address(context, builder, array, args[0], index, args[1]))

    return array.dtype(array, index), generate


def _store(array: Array, index: int, value: Any) -> None:
    array[index] = value


@cuda_intrinsic(_store)
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write array[index]."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _address(context, builder, array, args[0], index, args[1]))
        return context.get_dummy_value()

    return cuda_types.void(array, index, array.dtype), generate


def _together(array: Array, index: int, count: int) -> tuple[Any, ...]:
    if index % count:
        raise IndexError(f"{count} elements that begin at {index} cannot be read in one access")
    return tuple(array[index + k] for k in range(count))


@cuda_intrinsic(lambda array, index: _together(array, index, 2))
def load_pair(typing: Any, array: Any, index: Any) -> Any:
    """Return array[index] and the next, of four bytes each, in one access.

    The index must be even, and the array must begin at a multiple of eight bytes; shared memory does so only
    if it is allocated so.
    """
    return _load_together(array, index, 2)


@cuda_intrinsic(lambda array, index: _together(array, index, 4))
def load_four(typing: Any, array: Any, index: Any) -> Any:
    """Return array[index] and the next three, in one access; the same with 4 and sixteen bytes."""
    return _load_together(array, index, 4)


def _load_together(array: Any, index: Any, count: int) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = _address(context, builder, array, args[0], index, args[1])
        vector = ir.PointerType(ir.VectorType(at.type.pointee, count))
        loaded = builder.load(builder.bitcast(at, vector))
        loaded.align = 4 * count
        items = [builder.extract_element(loaded, ir.IntType(32)(k)) for k in range(count)]
        return cuda_cgutils.pack_array(builder, items)

    return cuda_types.UniTuple(array.dtype, count)(array, index), generate


@cuda_intrinsic(lambda array, index: None)
def ask_for(typing: Any, array: Any, index: Any) -> Any:
    """Bring array[index] into the second-level cache; do not wait for it."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = _address(context, builder, array, args[0], index, args[1])
        _assembly(builder, ir.VoidType(), "prefetch.global.L2 [$0];", "l", at)
        return context.get_dummy_value()

    return cuda_types.void(array, index), generate


@cuda_intrinsic(lambda word: tuple(np.float32((int(word) >> shift) & 255) for shift in (0, 8, 16, 24)))
def floats_of_bytes(typing: Any, word: Any) -> Any:
    """Return the four bytes of a uint32 as float32, the lowest first.

    A byte becomes the lowest one of the mantissa of 2^23, from which 2^23 is taken away: exact, and cheaper
    than the conversion, of which a multiprocessor makes a quarter as many at a time.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        f32, i32 = ir.FloatType(), ir.IntType(32)
        values = []
        for byte in range(4):
            text = f"{{.reg .b32 t; prmt.b32 t, $1, 0x4B000000, {0x7440 + byte}; mov.b32 $0, t;}}"
            code = ir.InlineAsm(ir.FunctionType(f32, [i32]), text, "=f,r", side_effect=False)
            values.append(builder.fsub(builder.call(code, [args[0]]), ir.Constant(f32, 8388608.0)))
        return cuda_cgutils.pack_array(builder, values)

    return cuda_types.UniTuple(cuda_types.float32, 4)(cuda_types.uint32), generate
