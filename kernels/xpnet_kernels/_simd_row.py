"""Rows of a matrix added up, or added to, as vector instructions: the innermost loops on a single sample.

Nothing is packed: the matrix is read where it lies, once, and a tile of the sum stays in registers. LLVM's
own vectorizer keeps such a tile in memory, and takes the columns that fill no vector one by one. Which rows
take part is listed: where an input is 0, as most of an image's or half of what ReLU puts out, its row of W
does not matter and is not read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xpnet_kernels._jit import cgutils, intrinsic, ir, types
from xpnet_kernels._tile_code import Tile, choose, constant

VECTORS = 4
"""Most vectors in a tile."""

CHAINS = 2
"""Sums that are kept for each column, so that one multiplication need not wait for the one before."""


@intrinsic
def add_listed_rows(
    typing: Any, numbers: Any, rows: Any, start: Any, stop: Any, offset: Any, y: Any, y0: Any, last: Any,
    vectors: Any,
) -> Any:  # fmt: skip
    """Add a tile of a sum of rows: y[y0 + j] += Σ_i numbers[i] row_i[j] over start ≤ i < stop.

    Parameters
    ----------
    numbers : array (n,)
    rows : array (n,), int64
        The addresses of contiguous rows of the same dtype.
    start, stop : int
    offset : int
        Bytes from the beginning of a row to the tile.
    y : array (m,), of the same dtype
    y0 : int
    last : int
        Columns of the last vector that are read and written.
    vectors : int
        How wide the tile is, 1 to VECTORS.
    """

    def generate(tile: _RowTile, listed: _Listed, y_at: Any) -> None:
        start = tile.load_row(y_at)
        zeros = [tile.zeros(len(start))] * (CHAINS - 1)
        place, chains = listed.accumulate(tile, listed.start, [start, *zeros])
        sums = chains[0]
        for chain in chains[1:]:
            sums = [tile.builder.fadd(a, b) for a, b in zip(sums, chain, strict=True)]
        _, (sums,) = listed.accumulate(tile, place, [sums])
        tile.store_row(sums, y_at)

    return _over_tiles(generate, numbers, rows, y)


@intrinsic
def add_to_listed_rows(
    typing: Any, numbers: Any, rows: Any, start: Any, stop: Any, offset: Any, y: Any, y0: Any, last: Any,
    vectors: Any,
) -> Any:  # fmt: skip
    """Add a tile to rows: row_i[j] += numbers[i] y[y0 + j] for start ≤ i < stop; see `add_listed_rows`."""

    def generate(tile: _RowTile, listed: _Listed, y_at: Any) -> None:
        added = tile.load_row(y_at)

        def add(number: Any, row_at: Any) -> None:
            pairs = zip(added, tile.load_row(row_at), strict=True)
            tile.store_row([tile.fma(number, one, old) for one, old in pairs], row_at)

        listed.each(tile, add)

    return _over_tiles(generate, numbers, rows, y)


def _over_tiles(body: Callable[..., None], numbers: Any, rows: Any, y: Any) -> Any:
    """Return the signature that both have, and a generator that chooses the tile's width."""
    index = types.int64
    signature = types.void(numbers, rows, index, index, index, y, index, index, index)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = {i: context.make_array(signature.args[i])(context, builder, args[i]).data for i in (0, 1, 5)}
        y_at = builder.gep(data[5], [args[6]])
        listed = _Listed(builder, data[0], data[1], args[2], args[3], args[4])

        def of_width(count: int) -> None:
            body(_RowTile(context, builder, signature, numbers.dtype, count, args[7]), listed, y_at)

        choose(builder, args[8], VECTORS, of_width)
        return context.get_dummy_value()

    return signature, generate


class _RowTile(Tile):
    """Generates code for a row of `count` vectors, the last one masked after `last` columns."""

    def __init__(self, context: Any, builder: Any, signature: Any, dtype: Any, count: int, last: Any) -> None:
        super().__init__(context, builder, signature, dtype)
        self.count = count
        columns = ir.Constant(ir.VectorType(ir.IntType(64), self.lanes), list(range(self.lanes)))
        self.mask = builder.icmp_signed("<", columns, self.spread(last))

    def _masked(self, name: str, result: Any, arguments: list[Any]) -> Any:
        kind = "f32" if self.item == 4 else "f64"
        full = f"llvm.masked.{name}.v{self.lanes}{kind}.p0"
        return cgutils.get_or_insert_function(self.builder.module, ir.FunctionType(result, arguments), full)

    def _end(self, base: Any) -> Any:
        at = self.builder.gep(base, [constant((self.count - 1) * self.lanes)])
        return self.builder.bitcast(at, self.vector.as_pointer())

    def load_row(self, base: Any) -> list[Any]:
        """Load the vectors that start at `base`."""
        i32, vector, start = ir.IntType(32), self.vector, self.as_bytes(base)
        masked = self._masked("load", vector, [vector.as_pointer(), i32, self.mask.type, vector])
        whole = [self.load(start, column) for column in range(self.count - 1)]
        arguments = [self._end(base), ir.Constant(i32, self.item), self.mask, *self.zeros(1)]
        return [*whole, self.builder.call(masked, arguments)]

    def store_row(self, values: list[Any], base: Any) -> None:
        """Store the vectors from `base` on."""
        i32, vector, start = ir.IntType(32), self.vector, self.as_bytes(base)
        for column, value in enumerate(values[:-1]):
            self.store(value, start, column)
        masked = self._masked("store", ir.VoidType(), [vector, vector.as_pointer(), i32, self.mask.type])
        self.builder.call(masked, [values[-1], self._end(base), ir.Constant(i32, self.item), self.mask])

    def as_bytes(self, base: Any) -> Any:
        """Return a pointer to numbers as one to bytes."""
        return self.builder.bitcast(base, ir.IntType(8).as_pointer())


class _Listed:
    """Generates loops over listed rows: a number and the address of a row at each place of two arrays."""

    def __init__(self, builder: Any, numbers: Any, rows: Any, start: Any, stop: Any, offset: Any) -> None:
        self.builder, self.numbers, self.rows = builder, numbers, rows
        self.start, self.stop, self.offset = start, stop, offset

    def at(self, tile: _RowTile, place: Any) -> tuple[Any, Any]:
        """Return the number at a place, in every lane, and where the tile of its row begins."""
        builder = self.builder
        number = tile.spread(builder.load(builder.gep(self.numbers, [place])))
        row = builder.add(builder.load(builder.gep(self.rows, [place])), self.offset)
        return number, builder.inttoptr(row, self.numbers.type)

    def each(self, tile: _RowTile, body: Callable[[Any, Any], None]) -> None:
        """Generate the loop over all places."""
        with cgutils.for_range_slice(self.builder, self.start, self.stop, constant(1)) as (place, _):
            body(*self.at(tile, place))

    def accumulate(self, tile: _RowTile, start: Any, chains: list[Any]) -> tuple[Any, list[Any]]:
        """Generate the loop that adds rows to sums, as many at a time as there are chains of sums.

        Returns the place of the first row that is left over, and the sums.
        """
        builder, before = self.builder, self.builder.block
        head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        starts = [start, *(value for chain in chains for value in chain)]
        place, *sums = phis = [builder.phi(value.type) for value in starts]
        following = builder.add(place, constant(len(chains)))
        builder.cbranch(builder.icmp_signed("<=", following, self.stop), body, after)
        builder.position_at_end(body)
        added = []
        for chain in range(len(chains)):
            number, row_at = self.at(tile, builder.add(place, constant(chain)))
            pairs = zip(tile.load_row(row_at), sums[chain * tile.count :], strict=False)
            added += [tile.fma(number, one, total) for one, total in pairs]
        builder.branch(head)
        for phi, value, new in zip(phis, starts, [following, *added], strict=True):
            phi.add_incoming(value, before)
            phi.add_incoming(new, body)
        builder.position_at_end(after)
        return place, [sums[i * tile.count : (i + 1) * tile.count] for i in range(len(chains))]


@intrinsic
def number_at(typing: Any, address: Any, index: Any, like: Any) -> Any:
    """Return the `index`-th number of `like`'s dtype at an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = context.get_data_type(signature.return_type)
        return builder.load(builder.gep(builder.inttoptr(args[0], number.as_pointer()), [args[1]]))

    return like.dtype(types.int64, types.int64, like), generate
