"""The innermost loops of the CPU products as vector instructions, written once for every vector width.

A tile of a product stays in registers while the loop runs over the inner axis. LLVM's own vectorizer keeps
such a tile in memory; with it there the product runs at a fraction of the speed. Two kinds of tile serve
all products of a net whose matrices lie row by row: `outer_tile` where the right matrix's rows are added
up, `dot_tile` where rows are multiplied with rows.
"""

from __future__ import annotations

from typing import Any

from xpnet_kernels._jit import intrinsic, types
from xpnet_kernels._simd import lanes, tile_side
from xpnet_kernels._tile_code import Tile, constant


@intrinsic
def tile_rows(typing: Any, array: Any) -> Any:
    """Return how many rows a tile has, as a constant of the machine code."""
    return types.int64(array), lambda context, builder, signature, args: constant(tile_side())


@intrinsic
def lane_count(typing: Any, array: Any) -> Any:
    """Return how many numbers of the array's dtype a vector holds, as a constant of the machine code."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return constant(lanes(str(signature.args[0].dtype)))

    return types.int64(array), generate


@intrinsic
def outer_tile(
    typing: Any, a: Any, b: Any, c: Any, i: Any, j: Any, inner: Any, vectors: Any, ahead: Any, lines: Any
) -> Any:
    """Write a tile of c = a b: rows i to i + tile_rows, from column j on 1 to tile_rows `vectors` wide.

    Meanwhile it brings memory that will be needed soon into the caches, a line at each place of the inner
    axis: the memory is idle during a product, and keeps a gather from thousands of places waiting later.

    Parameters
    ----------
    a : array (I, K) of any strides
    b : array (K, J), contiguous rows
    c : array (I, J), contiguous rows
    i, j : int
        Where the tile begins. The memory of all three must reach as far as it does: nothing is checked.
    inner : int
        K, at least 1.
    vectors : int
        1 to tile_rows.
    ahead, lines : int
        The address, and how many cache lines from there on; 0 for none.
    """
    index = types.int64
    signature = types.void(a, b, c, index, index, index, index, index, index)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        tile = Tile(context, builder, signature)
        a, b, c = (tile.matrix(index, args[index]) for index in range(3))
        i, j, inner, vectors, ahead, lines = args[3:]
        a_at, b_at, c_at = a.address(i, None), b.address(None, j), c.address(i, j)

        def body(count: int) -> None:
            def add(step: Any, at: Any, sums: list[Any]) -> list[Any]:
                tile.fetch(ahead, step, lines)
                return tile.add_outer_products(at["a"], a.strides[0], at["b"], count, sums)

            pointers = {"a": (a_at, a.strides[1]), "b": (b_at, b.strides[0])}
            sums = tile.loop(inner, pointers, tile_side() * count, add)
            for row in range(tile_side()):
                for column in range(count):
                    start = tile.moved(c_at, c.strides[0], row)
                    tile.store(sums[row * count + column], start, column)

        tile.choose(vectors, body)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def dot_tile(typing: Any, a: Any, b: Any, c: Any, i: Any, j: Any, inner: Any, rows: Any) -> Any:
    """Write a tile of c = a bᵀ: `rows` rows from i on, tile_rows columns from j on.

    Parameters
    ----------
    a : array (I, K), contiguous rows
    b : array (J, K), contiguous rows
    c : array (I, J), contiguous rows
    i, j : int
        Where the tile begins. The memory of all three must reach as far as it does: nothing is checked.
    inner : int
        K in whole vectors, at least 1: what fills up the last one must be 0 in one of the two, and finite in
        the other.
    rows : int
        1 to tile_rows.
    """
    index = types.int64
    signature = types.void(a, b, c, index, index, index, index)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        tile = Tile(context, builder, signature)
        a, b, c = (tile.matrix(index, args[index]) for index in range(3))
        i, j, inner, rows = args[3:]
        a_at, b_at, c_at = a.address(i, None), b.address(j, None), c.address(i, j)
        whole = constant(tile.bytes)

        def body(count: int) -> None:
            def add(step: Any, at: Any, sums: list[Any]) -> list[Any]:
                return tile.add_products(at["a"], a.strides[0], count, at["b"], b.strides[0], sums)

            pointers = {"a": (a_at, whole), "b": (b_at, whole)}
            sums = tile.loop(inner, pointers, count * tile_side(), add)
            for row in range(count):
                start = tile.moved(c_at, c.strides[0], row)
                tile.store_totals(sums[row * tile_side() : (row + 1) * tile_side()], start)

        tile.choose(rows, body)
        return context.get_dummy_value()

    return signature, generate
