"""The innermost loop of the CPU products as vector instructions, written once for every vector width.

A tile of the product, ROWS rows of a few vectors, stays in registers while the loop runs over the inner
axis: each step loads one row of the right matrix and multiplies it by one number of each row of the left.
LLVM's own vectorizer keeps such a tile in memory; with it there the product runs at a fraction of the speed.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from xpnet_kernels import _jit
from xpnet_kernels._jit import cgutils, intrinsic, ir, types

ROWS = 6
"""Rows of a tile. With four vectors a row that is 24 of AVX-512's 32 registers; with two, 12 of AVX2's 16."""


@functools.cache
def vector_bytes() -> int:
    """Return the width of this processor's widest vectors in bytes; 16 where it is unknown."""
    features = _jit.host_features()
    if features.get("avx512f"):
        return 64
    return 32 if features.get("avx2") and features.get("fma") else 16


def lanes(dtype: Any) -> int:
    """Return how many numbers of `dtype` a vector holds."""
    return int(vector_bytes() // np.dtype(dtype).itemsize)


def panel_width(columns: int, dtype: Any) -> int:
    """Return how many columns a panel of a matrix has: one, two or four vectors, whichever fits best."""
    lane = lanes(dtype)
    widest = 4 if vector_bytes() == 64 else 2
    return next((count * lane for count in (1, 2) if columns <= count * lane), widest * lane)


@intrinsic
def lane_count(typing: Any, array: Any) -> Any:
    """Return how many numbers of the array's dtype a vector holds, as a constant of the machine code."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(ir.IntType(64), lanes(str(signature.args[0].dtype)))

    return types.int64(array), generate


@intrinsic
def multiply_tile(
    typing: Any, a: Any, a0: Any, a_row: Any, a_inner: Any, b: Any, b0: Any, inner: Any, c: Any, c0: Any,
    c_row: Any, vectors: Any,
) -> Any:  # fmt: skip
    """Write one tile of a product: c[r, :] = Σ_k a[r, k] b[k, :] for ROWS rows r and `vectors` vectors.

    The arrays are flat, of one dtype. a[r, k] is element a0 + r a_row + k a_inner; the rows of b, and of c
    from c0 on with c_row between them, are contiguous. `vectors` is a tuple as long as a row of the tile in
    vectors; `inner` is at least 1.
    """
    count = len(vectors)
    index = types.int64
    signature = types.void(a, index, index, index, b, index, index, c, index, index, vectors)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lane = lanes(str(signature.args[0].dtype))
        vector = ir.VectorType(context.get_data_type(signature.args[0].dtype), lane)
        a_at, b_at, c_at = (
            builder.gep(context.make_array(signature.args[i])(context, builder, args[i]).data, [args[i + 1]])
            for i in (0, 4, 7)
        )
        sums = _accumulate(builder, vector, count, (a_at, args[2], args[3]), b_at, args[6])
        for row in range(ROWS):
            for column in range(count):
                at = builder.gep(c_at, [ir.Constant(ir.IntType(64), column * lane)])
                store = builder.store(sums[row * count + column], builder.bitcast(at, vector.as_pointer()))
                store.align = vector.element.get_abi_size(context.target_data)
            c_at = builder.gep(c_at, [args[9]])
        return context.get_dummy_value()

    return signature, generate


def _accumulate(builder: Any, vector: Any, count: int, left: Any, b_at: Any, inner: Any) -> list[Any]:
    """Generate the loop over the inner axis; return the sums, row by row."""
    i64 = ir.IntType(64)
    before = builder.block
    loop, after = builder.append_basic_block("inner"), builder.append_basic_block("after")
    builder.branch(loop)
    builder.position_at_end(loop)
    a_start, a_row, a_inner = left
    k, a_at, b_row = builder.phi(i64), builder.phi(a_start.type), builder.phi(b_at.type)
    sums = [builder.phi(vector) for _ in range(ROWS * count)]
    added = _fused_multiply_add(builder, vector, count, (a_at, a_row), b_row, sums)
    steps = ir.Constant(i64, count * vector.count)
    next_values = [
        builder.add(k, ir.Constant(i64, 1)),
        builder.gep(a_at, [a_inner]),
        builder.gep(b_row, [steps]),
    ]
    for phi, start, following in zip(
        [k, a_at, b_row, *sums],
        [ir.Constant(i64, 0), a_start, b_at, *[ir.Constant(vector, [0.0] * vector.count)] * len(sums)],
        [*next_values, *added],
        strict=True,
    ):
        phi.add_incoming(start, before)
        phi.add_incoming(following, loop)
    builder.cbranch(builder.icmp_signed("<", next_values[0], inner), loop, after)
    builder.position_at_end(after)
    return added


def _fused_multiply_add(
    builder: Any, vector: Any, count: int, left: Any, b_row: Any, sums: list[Any]
) -> list[Any]:
    """Generate one step of the inner loop: sums[r, v] + a[r, k] b[k, v]."""
    i64, i32 = ir.IntType(64), ir.IntType(32)
    kind = "f32" if isinstance(vector.element, ir.FloatType) else "f64"
    signature = ir.FunctionType(vector, [vector] * 3)
    fma = cgutils.get_or_insert_function(builder.module, signature, f"llvm.fma.v{vector.count}{kind}")
    align = 4 if kind == "f32" else 8
    undefined = ir.Constant(vector, ir.Undefined)
    everywhere = ir.Constant(ir.VectorType(i32, vector.count), [0] * vector.count)
    row_vectors = []
    for column in range(count):
        at = builder.gep(b_row, [ir.Constant(i64, column * vector.count)])
        row_vectors.append(builder.load(builder.bitcast(at, vector.as_pointer()), align=align))
    added = []
    a_at, a_row = left
    for row in range(ROWS):
        number = builder.insert_element(undefined, builder.load(a_at), ir.Constant(i32, 0))
        number = builder.shuffle_vector(number, undefined, everywhere)
        added += [
            builder.call(fma, [number, row_vectors[column], sums[row * count + column]])
            for column in range(count)
        ]
        a_at = builder.gep(a_at, [a_row])
    return added
