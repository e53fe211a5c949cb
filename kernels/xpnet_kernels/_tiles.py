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
from xpnet_kernels._tile_code import Stretches, Tile, constant


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
    typing: Any, a: Any, b: Any, c: Any, i: Any, j: Any, inner: Any, vectors: Any, ahead: Any, lines: Any,
    asked: Any,
) -> Any:  # fmt: skip
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
    ahead : array (n,), int64
        Addresses of stretches of memory to bring in.
    lines : int
        How many cache lines from each address on; 0 brings nothing in.
    asked : int
        How many lines were asked for before.
    """
    index = types.int64
    signature = types.void(a, b, c, index, index, index, index, ahead, index, index)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        tile = Tile(context, builder, signature)
        a, b, c = (tile.matrix(number, args[number]) for number in range(3))
        i, j, inner, vectors = args[3:7]
        a_at, b_at, c_at = a.address(i, None), b.address(None, j), c.address(i, j)
        stretches = Stretches(
            builder, context.make_array(signature.args[7])(context, builder, args[7]), args[8]
        )

        def body(count: int) -> None:
            def add(a_at: Any, b_at: Any, row: Any, line: Any, *sums: Any) -> list[Any]:
                stretches.ask(row, line, otherwise=b_at)
                moved = [builder.gep(a_at, [a.strides[1]]), builder.gep(b_at, [b.strides[0]])]
                added = tile.add_outer_products(a_at, a.strides[0], b_at, count, sums)
                return [*moved, *stretches.following(row, line), *added]

            starts = [a_at, b_at, *stretches.place(args[9]), *tile.zeros(tile_side() * count)]
            sums = tile.loop(inner, starts, add)[4:]
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
        a, b, c = (tile.matrix(number, args[number]) for number in range(3))
        i, j, inner, rows = args[3:]
        a_at, b_at, c_at = a.address(i, None), b.address(j, None), c.address(i, j)
        whole = constant(tile.bytes)

        def body(count: int) -> None:
            def add(a_at: Any, b_at: Any, *sums: Any) -> list[Any]:
                moved = [builder.gep(a_at, [whole]), builder.gep(b_at, [whole])]
                return [*moved, *tile.add_products(a_at, a.strides[0], count, b_at, b.strides[0], sums)]

            sums = tile.loop(inner, [a_at, b_at, *tile.zeros(count * tile_side())], add)[2:]
            for row in range(count):
                start = tile.moved(c_at, c.strides[0], row)
                tile.store_totals(sums[row * tile_side() : (row + 1) * tile_side()], start)

        tile.choose(rows, body)
        return context.get_dummy_value()

    return signature, generate
