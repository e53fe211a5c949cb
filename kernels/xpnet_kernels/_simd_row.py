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
from xpnet_kernels._simd_list import PLACE
from xpnet_kernels._tile_code import Tile, choose, constant

VECTORS = 4
"""Most vectors in a tile."""

CHAINS = 2
"""Sums that are kept for each column, so that one multiplication need not wait for the one before."""


@intrinsic
def add_listed_rows(
    typing: Any, numbers: Any, places: Any, start: Any, stop: Any, W: Any, row_bytes: Any, vector_step: Any,
    before: Any, y: Any, y0: Any, last: Any, vectors: Any, levels: Any,
) -> Any:  # fmt: skip
    """Write a tile of a sum of rows: y[y0 + j] = before[y0 + j] + Σ_i numbers[i] W[places[i], j].

    The sum is over start ≤ i < stop.

    Parameters
    ----------
    numbers, places : int
        The addresses of lists as `list_vector` makes them.
    start, stop : int
    W : int
        The address where the tile begins in the first row of a matrix.
    row_bytes, vector_step : int
        Bytes from one row to the next, and from one vector of a row to the next.
    before, y : array (m,), of the dtype of all
        May be the same.
    y0 : int
    last : int or None
        Columns of the last vector that are read and written; None for all, which is quicker where they are
        read again soon.
    vectors : int
        How wide the tile is, 1 to VECTORS.
    levels : int or None
        The address of a table of numbers; the lists then have bytes, which say where in it a number is.
    """

    def generate(tile: _RowTile, listed: _Listed, before_at: Any, y_at: Any) -> None:
        start = tile.load_row(before_at)
        zeros = [tile.zeros(len(start))] * (CHAINS - 1)
        place, chains = listed.accumulate(tile, listed.start, [start, *zeros])
        sums = chains[0]
        for chain in chains[1:]:
            sums = [tile.builder.fadd(a, b) for a, b in zip(sums, chain, strict=True)]
        _, (sums,) = listed.accumulate(tile, place, [sums])
        tile.store_row(sums, y_at)

    return _over_tiles(generate, before, y, last, levels)


@intrinsic
def add_to_listed_rows(
    typing: Any, numbers: Any, places: Any, start: Any, stop: Any, W: Any, row_bytes: Any, vector_step: Any,
    factor: Any, y: Any, y0: Any, last: Any, vectors: Any, levels: Any,
) -> Any:  # fmt: skip
    """Add a tile to rows: W[places[i], j] += numbers[i] factor y[y0 + j] for start ≤ i < stop.

    The arguments are those of `add_listed_rows`, and a number, `factor`, of the same dtype.
    """

    def generate(tile: _RowTile, listed: _Listed, factor: Any, y_at: Any) -> None:
        factors = tile.spread(factor)
        added = [tile.builder.fmul(factors, one) for one in tile.load_row(y_at)]

        def add(number: Any, row_at: Any) -> None:
            pairs = zip(added, tile.load_row(row_at, listed.vector_step), strict=True)
            tile.store_row([tile.fma(number, one, old) for one, old in pairs], row_at, listed.vector_step)

        listed.each(tile, add)

    return _over_tiles(generate, factor, y, last, levels)


def _over_tiles(body: Callable[..., None], given: Any, y: Any, last: Any, levels: Any) -> Any:
    """Return the signature that both have, and a generator that chooses the tile's width."""
    index = types.int64
    signature = types.void(*[index] * 7, given, y, index, last, index, levels)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def data(number: int) -> Any:
            return context.make_array(signature.args[number])(context, builder, args[number]).data

        y0, columns, vectors, table = args[9:]
        columns = None if last == types.none else columns
        y_at = builder.gep(data(8), [y0])
        given_at = args[7] if given == y.dtype else builder.gep(data(7), [y0])
        table = None if levels == types.none else builder.inttoptr(table, y_at.type)
        listed = _Listed(builder, y_at.type, table, *args[:7])

        def of_width(count: int) -> None:
            body(_RowTile(context, builder, signature, y.dtype, count, columns), listed, given_at, y_at)

        choose(builder, vectors, VECTORS, of_width)
        return context.get_dummy_value()

    return signature, generate


class _RowTile(Tile):
    """Generates code for a row of `count` vectors, the last one masked after `last` columns."""

    def __init__(self, context: Any, builder: Any, signature: Any, dtype: Any, count: int, last: Any) -> None:
        super().__init__(context, builder, signature, dtype)
        self.count = count
        columns = ir.Constant(ir.VectorType(ir.IntType(64), self.lanes), list(range(self.lanes)))
        self.mask = None if last is None else builder.icmp_signed("<", columns, self.spread(last))

    def _masked(self, name: str, result: Any, arguments: list[Any]) -> Any:
        kind = "f32" if self.item == 4 else "f64"
        full = f"llvm.masked.{name}.v{self.lanes}{kind}.p0"
        return cgutils.get_or_insert_function(self.builder.module, ir.FunctionType(result, arguments), full)

    def _vectors(self, base: Any, step: Any) -> list[Any]:
        """Return where the vectors of a row begin that are `step` bytes apart, side by side without it."""
        step = constant(self.bytes) if step is None else step
        at = self.builder.bitcast(base, ir.IntType(8).as_pointer())
        return [self.moved(at, step, number) for number in range(self.count)]

    def load_row(self, base: Any, step: Any = None) -> list[Any]:
        """Load the vectors that start at `base`."""
        i32, vector = ir.IntType(32), self.vector
        *whole, end = self._vectors(base, step)
        if self.mask is None:
            return [self.load(at) for at in (*whole, end)]
        masked = self._masked("load", vector, [vector.as_pointer(), i32, self.mask.type, vector])
        end = self.builder.bitcast(end, vector.as_pointer())
        arguments = [end, ir.Constant(i32, self.item), self.mask, *self.zeros(1)]
        return [*(self.load(at) for at in whole), self.builder.call(masked, arguments)]

    def store_row(self, values: list[Any], base: Any, step: Any = None) -> None:
        """Store the vectors from `base` on."""
        i32, vector = ir.IntType(32), self.vector
        *whole, end = self._vectors(base, step)
        for value, at in zip(values, whole, strict=False):
            self.store(value, at)
        if self.mask is None:
            self.store(values[-1], end)
            return
        masked = self._masked("store", ir.VoidType(), [vector, vector.as_pointer(), i32, self.mask.type])
        end = self.builder.bitcast(end, vector.as_pointer())
        self.builder.call(masked, [values[-1], end, ir.Constant(i32, self.item), self.mask])


class _Listed:
    """Generates loops over listed rows: numbers, and the rows of a matrix that they belong to."""

    def __init__(
        self, builder: Any, kind: Any, levels: Any, numbers: Any, places: Any, start: Any, stop: Any, W: Any,
        row_bytes: Any, vector_step: Any,
    ) -> None:  # fmt: skip
        self.builder, self.kind, self.levels, self.start, self.stop = builder, kind, levels, start, stop
        self.numbers = builder.inttoptr(numbers, kind if levels is None else ir.IntType(8).as_pointer())
        self.places = builder.inttoptr(places, ir.IntType(8 * PLACE.itemsize).as_pointer())
        self.W, self.row_bytes, self.vector_step = W, row_bytes, vector_step

    def at(self, tile: _RowTile, place: Any) -> tuple[Any, Any]:
        """Return the number at a place, in every lane, and where the tile of its row begins."""
        builder = self.builder
        number = builder.load(builder.gep(self.numbers, [place]))
        if self.levels is not None:
            level = builder.zext(number, self.row_bytes.type)
            number = builder.load(builder.gep(self.levels, [level]))
        row = builder.zext(builder.load(builder.gep(self.places, [place])), self.row_bytes.type)
        return tile.spread(number), builder.inttoptr(
            builder.add(self.W, builder.mul(row, self.row_bytes)), self.kind
        )

    def each(self, tile: _RowTile, body: Callable[[Any, Any], None]) -> None:
        """Generate the loop over all places."""

        def step(place: Any) -> list[Any]:
            body(*self.at(tile, place))
            return [self.builder.add(place, constant(1))]

        self._while_left(1, [self.start], step)

    def accumulate(self, tile: _RowTile, start: Any, chains: list[Any]) -> tuple[Any, list[Any]]:
        """Generate the loop that adds rows to sums, as many at a time as there are chains of sums.

        Returns the place of the first row that is left over, and the sums.
        """
        together, count = len(chains), tile.count

        def step(place: Any, *sums: Any) -> list[Any]:
            added = []
            for chain in range(together):
                number, row_at = self.at(tile, self.builder.add(place, constant(chain)))
                pairs = zip(tile.load_row(row_at, self.vector_step), sums[chain * count :], strict=False)
                added += [tile.fma(number, one, total) for one, total in pairs]
            return [self.builder.add(place, constant(together)), *added]

        starts = [start, *(value for chain in chains for value in chain)]
        place, *sums = self._while_left(together, starts, step)
        return place, [sums[i * count : (i + 1) * count] for i in range(together)]

    def _while_left(self, together: int, starts: list[Any], step: Callable[..., list[Any]]) -> list[Any]:
        """Generate `values = step(*values)` as long as so many places are left from the first value on."""
        builder, before = self.builder, self.builder.block
        head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        values = [builder.phi(start.type) for start in starts]
        reached = builder.add(values[0], constant(together))
        builder.cbranch(builder.icmp_signed("<=", reached, self.stop), body, after)
        builder.position_at_end(body)
        place, *others = step(*values)
        following = [self._hidden(place), *others]
        builder.branch(head)
        for phi, start, new in zip(values, starts, following, strict=True):
            phi.add_incoming(start, before)
            phi.add_incoming(new, body)
        builder.position_at_end(after)
        return values

    def _hidden(self, place: Any) -> Any:
        """Return an integer about which LLVM knows nothing, so that it unrolls no loop that counts with it.

        The end of a loop is what a processor cannot foresee, an unrolled one has two, and lists are short.
        """
        kind = ir.FunctionType(place.type, [place.type])
        return self.builder.asm(kind, "", "=r,0", [place], side_effect=False)


@intrinsic
def number_at(typing: Any, address: Any, index: Any, like: Any) -> Any:
    """Return the `index`-th number of `like`'s dtype at an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = context.get_data_type(signature.return_type)
        return builder.load(builder.gep(builder.inttoptr(args[0], number.as_pointer()), [args[1]]))

    return like.dtype(types.int64, types.int64, like), generate
