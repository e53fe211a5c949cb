"""One row times a matrix as vector instructions: the innermost loop of inference on a single sample.

Nothing is packed: the matrix is read where it lies, once, and a tile of the row's products stays in
registers. LLVM's own vectorizer keeps such a tile in memory, and takes the columns that fill no vector one
by one.
"""

from __future__ import annotations

from typing import Any

from xpnet_kernels._jit import cgutils, intrinsic, ir, types
from xpnet_kernels._simd import lanes

VECTORS = 4
"""Most vectors in a tile."""

CHAINS = 2
"""Sums that are kept for each column, so that one multiplication need not wait for the one before."""


@intrinsic
def add_row_times_tile(
    typing: Any, x: Any, x0: Any, inner: Any, W: Any, W_row: Any, y: Any, y0: Any, last: Any, vectors: Any
) -> Any:
    """Add a tile of a row's product: y[y0 + j] += Σ_k x[x0 + k] W[k, j] over k < inner.

    x and y are flat arrays of one dtype. `W` is the address of W[0, 0]; its rows are contiguous and start
    `W_row` elements apart. The tile is as many vectors wide as the tuple `vectors` is long, of whose last
    one only the first `last` columns are read and written.
    """
    index = types.int64
    signature = types.void(x, index, index, index, index, y, index, index, vectors)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(context.get_data_type(signature.args[0].dtype), lanes(str(x.dtype)))
        x_at, y_at = (
            builder.gep(context.make_array(signature.args[i])(context, builder, args[i]).data, [args[i + 1]])
            for i in (0, 5)
        )
        tile = _Tile(builder, vector, len(vectors), args[7])
        start = tile.load(y_at)
        zeros = [ir.Constant(vector, [0.0] * vector.count)] * len(start)
        at = (ir.Constant(index_type(), 0), x_at, builder.inttoptr(args[3], x_at.type))
        at, chains = tile.accumulate(at, args[2], args[4], [start, *[zeros] * (CHAINS - 1)])
        sums = chains[0]
        for chain in chains[1:]:
            sums = [builder.fadd(a, b) for a, b in zip(sums, chain, strict=True)]
        _, (sums,) = tile.accumulate(at, args[2], args[4], [sums])
        tile.store(sums, y_at)
        return context.get_dummy_value()

    return signature, generate


def index_type() -> Any:
    """Return LLVM's type of an index."""
    return ir.IntType(64)


class _Tile:
    """Generates code for a row of `count` vectors, the last one masked after `last` columns."""

    def __init__(self, builder: Any, vector: Any, count: int, last: Any) -> None:
        self.builder, self.vector, self.count = builder, vector, count
        self.kind = "f32" if isinstance(vector.element, ir.FloatType) else "f64"
        self.bytes = 4 if self.kind == "f32" else 8
        columns = ir.Constant(ir.VectorType(index_type(), vector.count), list(range(vector.count)))
        self.mask = builder.icmp_signed("<", columns, self.everywhere(last))

    def everywhere(self, number: Any) -> Any:
        """Return a vector that holds a number in every lane."""
        i32, lane = ir.IntType(32), self.vector.count
        undefined = ir.Constant(ir.VectorType(number.type, lane), ir.Undefined)
        first = self.builder.insert_element(undefined, number, ir.Constant(i32, 0))
        return self.builder.shuffle_vector(
            first, undefined, ir.Constant(ir.VectorType(i32, lane), [0] * lane)
        )

    def _places(self, base: Any) -> list[Any]:
        lane, pointer = self.vector.count, self.vector.as_pointer()
        offsets = [ir.Constant(index_type(), column * lane) for column in range(self.count)]
        return [self.builder.bitcast(self.builder.gep(base, [offset]), pointer) for offset in offsets]

    def _function(self, name: str, result: Any, arguments: list[Any], suffix: str = "") -> Any:
        full = f"llvm.{name}.v{self.vector.count}{self.kind}{suffix}"
        return cgutils.get_or_insert_function(self.builder.module, ir.FunctionType(result, arguments), full)

    def load(self, base: Any) -> list[Any]:
        """Load the vectors that start at `base`."""
        i32, vector = ir.IntType(32), self.vector
        *places, end = self._places(base)
        arguments = [vector.as_pointer(), i32, self.mask.type, vector]
        masked = self._function("masked.load", vector, arguments, ".p0")
        nothing = ir.Constant(vector, [0.0] * vector.count)
        tail = self.builder.call(masked, [end, ir.Constant(i32, self.bytes), self.mask, nothing])
        return [*(self.builder.load(place, align=self.bytes) for place in places), tail]

    def store(self, values: list[Any], base: Any) -> None:
        """Store the vectors from `base` on."""
        i32, vector = ir.IntType(32), self.vector
        *places, end = self._places(base)
        for value, place in zip(values, places, strict=False):
            self.builder.store(value, place, align=self.bytes)
        arguments = [vector, vector.as_pointer(), i32, self.mask.type]
        masked = self._function("masked.store", ir.VoidType(), arguments, ".p0")
        self.builder.call(masked, [values[-1], end, ir.Constant(i32, self.bytes), self.mask])

    def accumulate(self, at: Any, inner: Any, W_row: Any, chains: list[Any]) -> tuple[Any, list[Any]]:
        """Generate the loop over rows of W, as many at a time as there are chains of sums."""
        builder, before = self.builder, self.builder.block
        head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        starts = [*at, *(value for chain in chains for value in chain)]
        phis = [builder.phi(start.type) for start in starts]
        following = builder.add(phis[0], ir.Constant(index_type(), len(chains)))
        builder.cbranch(builder.icmp_signed("<=", following, inner), body, after)
        builder.position_at_end(body)
        x_at, W_at, added = phis[1], phis[2], []
        fma = self._function("fma", self.vector, [self.vector] * 3)
        for chain in range(len(chains)):
            number = self.everywhere(builder.load(x_at))
            sums = phis[3 + chain * self.count : 3 + (chain + 1) * self.count]
            row = self.load(W_at)
            added += [builder.call(fma, [number, w, s]) for w, s in zip(row, sums, strict=True)]
            x_at = builder.gep(x_at, [ir.Constant(index_type(), 1)])
            W_at = builder.gep(W_at, [W_row])
        builder.branch(head)
        for phi, start, value in zip(phis, starts, [following, x_at, W_at, *added], strict=True):
            phi.add_incoming(start, before)
            phi.add_incoming(value, body)
        builder.position_at_end(after)
        found = [phis[3 + i * self.count : 3 + (i + 1) * self.count] for i in range(len(chains))]
        return tuple(phis[:3]), found


@intrinsic
def number_at(typing: Any, address: Any, index: Any, like: Any) -> Any:
    """Return the `index`-th number of `like`'s dtype at an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = context.get_data_type(signature.return_type)
        return builder.load(builder.gep(builder.inttoptr(args[0], number.as_pointer()), [args[1]]))

    return like.dtype(types.int64, types.int64, like), generate
