"""The innermost loops of the CPU products as vector instructions, written once for every vector width.

A tile of a product stays in registers while the loop runs over the inner axis. LLVM's own vectorizer keeps
such a tile in memory; with it there the product runs at a fraction of the speed. Two kinds of tile serve
all products of a net whose matrices lie row by row: `outer_tile` where the right matrix's rows are added
up, `dot_tile` where rows are multiplied with rows. One matrix of each is given by the addresses of its rows,
so that the samples of a batch are read where they lie.
"""

from __future__ import annotations

from typing import Any

from xpnet_kernels._ahead import Requests
from xpnet_kernels._jit import intrinsic, types
from xpnet_kernels._simd import lanes, tile_side
from xpnet_kernels._tile_code import Tile, choose, constant


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
    typing: Any, a: Any, b: Any, c: Any, i: Any, j: Any, inner: Any, vectors: Any, ahead: Any, asked: Any,
    alpha: Any,
) -> Any:  # fmt: skip
    """Write a tile of a b to c, or add alpha times it: tile_rows rows from i on, `vectors` wide from j on.

    Meanwhile it asks for memory that will be needed soon: see `Ahead`.

    Parameters
    ----------
    a : array (I, K) of any strides
    b : array (K,), int64
        The addresses of the rows (J,) of b.
    c : array (I, J), contiguous rows
    i, j : int
        Where the tile begins. The memory of all three must reach as far as it does: nothing is checked.
    inner : int
        K, at least 1.
    vectors : int
        1 to tile_rows.
    ahead : Ahead
    asked : int
        How often was asked before.
    alpha : float or None
        None writes a b; a number of the dtype adds alpha a b.
    """
    index = types.int64
    signature = types.void(a, b, c, index, index, index, index, ahead, index, alpha)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        tile = Tile(context, builder, signature, a.dtype)
        left, into = tile.matrix(0, args[0]), tile.matrix(2, args[2])
        i, j, inner, vectors = args[3:7]
        a_at, c_at, offset = left.address(i, None), into.address(i, j), tile.size_of(j)
        requests = Requests(tile, 7, args[7], otherwise=c_at)

        def body(count: int) -> None:
            def add(a_at: Any, b_row: Any, *carried: Any) -> list[Any]:
                place, sums = requests.ask(*carried[:4]), carried[4:]
                moved = [builder.gep(a_at, [left.strides[1]]), builder.gep(b_row, [constant(1)])]
                b_at = tile.address(builder.load(b_row), offset)
                added = tile.add_outer_products(a_at, left.strides[0], b_at, count, sums)
                return [*moved, *place, *added]

            start = [a_at, tile.array(1, args[1]).data, *requests.place(args[8])]
            sums = tile.loop(inner, [*start, *tile.zeros(tile_side() * count)], add)[6:]
            factor = None if isinstance(alpha, types.NoneType) else tile.spread(args[9])
            for number, total in enumerate(sums):
                row, column = divmod(number, count)
                at = tile.moved(c_at, into.strides[0], row)
                tile.store(
                    total if factor is None else tile.fma(factor, total, tile.load(at, column)), at, column
                )

        choose(builder, vectors, tile_side(), body)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def dot_tile(
    typing: Any, a: Any, b: Any, c: Any, i: Any, j: Any, inner: Any, rows: Any, ahead: Any, asked: Any,
) -> Any:  # fmt: skip
    """Write a tile of c = a bᵀ: `rows` rows from i on, tile_rows columns from j on.

    Meanwhile it asks for memory that will be needed soon: see `Ahead`.

    Parameters
    ----------
    a : array (I,), int64
        The addresses of the rows (K,) of a.
    b : array (J, K), contiguous rows
    c : array (I, J), contiguous rows
    i, j : int
        Where the tile begins. The memory of all three must reach as far as it does: nothing is checked.
    inner : int
        K in whole vectors, at least 1: what fills up the last one must be 0 in one of the two, and finite in
        the other.
    rows : int
        1 to tile_rows.
    ahead : Ahead
    asked : int
        How often was asked before.
    """
    index = types.int64
    signature = types.void(a, b, c, index, index, index, index, ahead, index)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        tile = Tile(context, builder, signature, b.dtype)
        right, into = tile.matrix(1, args[1]), tile.matrix(2, args[2])
        i, j, inner, rows = args[3:7]
        b_at, c_at = right.address(j, None), into.address(i, j)
        table = builder.gep(tile.array(0, args[0]).data, [i])
        whole = constant(tile.bytes)
        requests = Requests(tile, 7, args[7], otherwise=c_at)

        def body(count: int) -> None:
            addresses = [builder.load(builder.gep(table, [constant(row)])) for row in range(count)]

            def add(offset: Any, b_at: Any, *carried: Any) -> list[Any]:
                place, sums = requests.ask(*carried[:4]), carried[4:]
                left = [tile.address(address, offset) for address in addresses]
                moved = [builder.add(offset, whole), builder.gep(b_at, [whole])]
                added = tile.add_products(left, b_at, right.strides[0], sums)
                return [*moved, *place, *added]

            start = [constant(0), b_at, *requests.place(args[8])]
            sums = tile.loop(inner, [*start, *tile.zeros(count * tile_side())], add)[6:]
            for row in range(count):
                start = tile.moved(c_at, into.strides[0], row)
                tile.store_totals(sums[row * tile_side() : (row + 1) * tile_side()], start)

        choose(builder, rows, tile_side(), body)
        return context.get_dummy_value()

    return signature, generate
