"""Matrix product: the vendor's GEMM, and our own Numba matmul for CPU and GPU beside it.

The vendor's comes first, and so serves every shape. On a CPU with AVX-512 BLAS took less time at each of 19
shapes, from (8, 8) by (8, 8) to (256, 1024) by (1024, 1024), in all three products of a layer, on one thread
and on two: ours 1.3 to 23 times as much, most for the smallest, which it copies into whole tiles.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from xpnet_kernels import _launch
from xpnet_kernels._ahead import NOTHING
from xpnet_kernels._arrays import Array, empty, namespace
from xpnet_kernels._jit import cuda
from xpnet_kernels._operation import Sample, operation
from xpnet_kernels._rows import addresses, empty_rows, multiply
from xpnet_kernels._samples import PRODUCT_SHAPES, normal

TILE = 16
"""Side of the square tiles that a thread block of the CUDA kernel holds in shared memory."""

MOST_INNER = 512
"""Products that a tile of the CPU kernel, or a thread of the CUDA kernel, adds up one after another."""


@operation(layer="MatMul")
def matmul(xp: Any, a: Array, b: Array) -> Array:
    """Multiply two matrices, `a @ b`.

    Parameters
    ----------
    a : array (N, D), float
    b : array (D, H), float

    Returns
    -------
    array (N, H)

    Raises
    ------
    ValueError
        If the inner sizes differ (the array library's own error).
    """
    return xp.matmul(a, b)


@matmul.samples
def _samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
    for rows, inner, columns in PRODUCT_SHAPES:
        yield Sample((normal(rng, (rows, inner), dtype), normal(rng, (inner, columns), dtype)))


@matmul.implementation("numba", "blas")
@matmul.implementation("numba-cuda", "cublas")
def matmul_vendor(a: Array, b: Array) -> Array:
    """Call the vendor's GEMM through the array library."""
    return namespace(a).matmul(a, b)


@matmul.implementation("numba", "tiled")
def matmul_tiled_cpu(a: Array, b: Array) -> Array:
    """Call our own CPU product on copies whose rows are filled up to whole tiles.

    A tile adds up at most MOST_INNER products: it loses digits as every long sum does, see `_sums.py`. The
    halves of a longer inner axis are multiplied apart.
    """
    check_inner_sizes(a, b)
    (rows, inner), columns = a.shape, b.shape[1]
    if 0 in (rows, inner, columns):
        return np.zeros((rows, columns), dtype=a.dtype)
    if inner > MOST_INNER:
        half = inner // 2
        total = matmul_tiled_cpu(a[:, :half], b[:half])
        total += matmul_tiled_cpu(a[:, half:], b[half:])
        return total
    left, right = _in_whole_tiles(a), _in_whole_tiles(b)
    product = empty_rows(rows, columns, a.dtype)
    multiply(left, addresses(right), product, inner, columns, 0, rows, NOTHING, 0, None)
    return np.ascontiguousarray(product[:rows, :columns])


def _in_whole_tiles(matrix: Array) -> Array:
    rows, columns = matrix.shape
    copy = empty_rows(rows, columns, matrix.dtype)
    copy[:rows, :columns] = matrix
    return copy


@matmul.implementation("numba-cuda", "tiled")
def matmul_tiled_cuda(a: Array, b: Array) -> Array:
    """Call our own CUDA product."""
    check_inner_sizes(a, b)
    product = empty((a.shape[0], b.shape[1]), like=a)
    launch_over_tiles(product, matmul_kernel, a, b, product)
    return product


def launch_over_tiles(product: Array, kernel: Any, *args: Any) -> None:
    """Run `kernel` with one thread for each element of `product`, in square blocks of TILE x TILE.

    The blocks are numbered along x, where a grid may be long: `place_in` finds the element of a thread.
    """
    rows, columns = product.shape
    tiles = _launch.blocks_for(columns, TILE) * _launch.blocks_for(rows, TILE)
    _launch.launch(kernel, tiles, (TILE, TILE), *args)


def check_inner_sizes(a: Array, b: Array) -> None:
    """Raise ValueError unless `a @ b` is defined."""
    if a.shape[1] != b.shape[0]:
        raise ValueError(f"MatMul: a is {a.shape} but b is {b.shape}; a.shape[1] must equal b.shape[0].")


@cuda.jit
def matmul_kernel(a: Array, b: Array, product: Array) -> None:
    """Write one TILE x TILE tile of a @ b per thread block, one element per thread."""
    row, column = place_in(product)
    total = dot_of_tiles(a, b, row, column)
    if row < product.shape[0] and column < product.shape[1]:
        product[row, column] = total


@cuda.jit(device=True)
def place_in(product: Array) -> tuple[int, int]:
    """Return row and column of this thread's element, which may lie beyond the product's edge."""
    across = (product.shape[1] + TILE - 1) // TILE
    row = cuda.blockIdx.x // across * TILE + cuda.threadIdx.y
    return row, cuda.blockIdx.x % across * TILE + cuda.threadIdx.x


@cuda.jit(device=True)
def dot_of_tiles(a: Array, b: Array, row: int, column: int) -> Any:
    """Return (a @ b)[row, column], reading a and b tile by tile through shared memory.

    Every thread of the block must call it, also those outside the product: it synchronises the block.
    """
    a_tile = cuda.shared.array((TILE, TILE), a.dtype)
    b_tile = cuda.shared.array((TILE, TILE), a.dtype)
    x, y = cuda.threadIdx.x, cuda.threadIdx.y
    zero = a.dtype.type(0)
    total = part = zero
    for start in range(0, a.shape[1], TILE):
        if start % MOST_INNER == 0:  # MOST_INNER products apart from those before
            total, part = total + part, zero
        inside = row < a.shape[0] and start + x < a.shape[1]
        a_tile[y, x] = a[row, start + x] if inside else zero
        inside = start + y < b.shape[0] and column < b.shape[1]
        b_tile[y, x] = b[start + y, column] if inside else zero
        cuda.syncthreads()
        for k in range(TILE):
            part += a_tile[y, k] * b_tile[k, x]
        cuda.syncthreads()
    return total + part
