"""The instructions that tiles of a product are made of, generated for LLVM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xpnet_kernels._jit import cgutils, ir
from xpnet_kernels._simd import lanes, tile_side


class Matrix:
    """A two-dimensional array argument: its data as a pointer to bytes, and its strides in bytes."""

    def __init__(self, builder: Any, struct: Any) -> None:
        self.builder = builder
        self.data = builder.bitcast(struct.data, ir.IntType(8).as_pointer())
        self.strides = cgutils.unpack_tuple(builder, struct.strides)

    def address(self, row: Any, column: Any) -> Any:
        """Return where a row, a column, or an element begins."""
        at = self.data
        for number, stride in zip((row, column), self.strides, strict=True):
            if number is not None:
                at = self.builder.gep(at, [self.builder.mul(number, stride)])
        return at


class Tile:
    """Generates the instructions of one tile of numbers of a dtype."""

    def __init__(self, context: Any, builder: Any, signature: Any, dtype: Any) -> None:
        self.context, self.builder, self.signature = context, builder, signature
        self.lanes = lanes(str(dtype))
        self.element = context.get_data_type(dtype)
        self.vector = ir.VectorType(self.element, self.lanes)
        self.item = 4 if isinstance(self.element, ir.FloatType) else 8
        self.bytes = self.item * self.lanes

    def array(self, number: int, value: Any) -> Any:
        """Return the argument `number`, an array, as the struct of its data, shape and strides."""
        return self.context.make_array(self.signature.args[number])(self.context, self.builder, value)

    def matrix(self, number: int, value: Any) -> Matrix:
        """Return the argument `number` as a matrix."""
        return Matrix(self.builder, self.array(number, value))

    def size_of(self, count: Any) -> Any:
        """Return the bytes of so many numbers."""
        return self.builder.mul(count, constant(self.item))

    def address(self, start: Any, offset: Any) -> Any:
        """Return a pointer to an address, an integer, and so many bytes."""
        return self.builder.inttoptr(self.builder.add(start, offset), ir.IntType(8).as_pointer())

    def moved(self, at: Any, stride: Any, count: int) -> Any:
        """Return the address `count` strides further."""
        return self.builder.gep(at, [self.builder.mul(stride, constant(count))]) if count else at

    def load(self, at: Any, number: int = 0) -> Any:
        """Load the `number`-th vector from an address on."""
        at = self.builder.gep(at, [constant(number * self.bytes)])
        return self.builder.load(self.builder.bitcast(at, self.vector.as_pointer()), align=self.item)

    def store(self, value: Any, at: Any, number: int = 0) -> None:
        """Store a value of any width as the `number`-th vector from an address on."""
        at = self.builder.gep(at, [constant(number * self.bytes)])
        self.builder.store(value, self.builder.bitcast(at, value.type.as_pointer()), align=self.item)

    def everywhere(self, at: Any) -> Any:
        """Load one number into every lane."""
        return self.spread(self.builder.load(self.builder.bitcast(at, self.element.as_pointer())))

    def spread(self, number: Any) -> Any:
        """Return a vector with a number in every lane."""
        undefined = ir.Constant(ir.VectorType(number.type, self.lanes), ir.Undefined)
        first = self.builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
        return self.builder.shuffle_vector(first, undefined, _lane_numbers([0] * self.lanes))

    def zeros(self, count: int) -> list[Any]:
        """Return vectors of zeros."""
        return [ir.Constant(self.vector, [0.0] * self.lanes)] * count

    def keep_order(self, values: Sequence[Any]) -> None:
        """Have these values computed before anything below is loaded.

        Left alone, LLVM loads so early that of 25 sums some leave AVX-512's 32 registers; narrower vectors
        have room.
        """
        if self.bytes == 64:
            takes = ir.FunctionType(ir.VoidType(), [self.vector] * len(values))
            constraint = ",".join([*["v"] * len(values), "~{memory}"])
            self.builder.asm(takes, "", constraint, values, side_effect=True)

    def fma(self, a: Any, b: Any, total: Any) -> Any:
        """Return a b + total, rounded once."""
        kind = "f32" if self.item == 4 else "f64"
        signature = ir.FunctionType(self.vector, [self.vector] * 3)
        name = f"llvm.fma.v{self.lanes}{kind}"
        function = cgutils.get_or_insert_function(self.builder.module, signature, name)
        return self.builder.call(function, [a, b, total])

    def add_outer_products(
        self, a_at: Any, a_row: Any, b_at: Any, count: int, sums: Sequence[Any]
    ) -> list[Any]:
        """Return sums[r, v] + a[r] b[v] for one place of the inner axis."""
        right = [self.load(b_at, column) for column in range(count)]
        added = []
        for row in range(tile_side()):
            left = self.everywhere(self.moved(a_at, a_row, row))
            added += [self.fma(left, right[v], sums[row * count + v]) for v in range(count)]
            self.keep_order(added[-count:])
        return added

    def add_products(self, a_rows: Sequence[Any], b_at: Any, b_row: Any, sums: Sequence[Any]) -> list[Any]:
        """Return sums[r, s] + a[r] b[s], lane by lane, for one vector of the inner axis."""
        side = tile_side()
        right = [self.load(self.moved(b_at, b_row, column)) for column in range(side)]
        added = []
        for row, a_at in enumerate(a_rows):
            left = self.load(a_at)
            added += [self.fma(left, right[s], sums[row * side + s]) for s in range(side)]
            self.keep_order(added[-side:])
        return added

    def store_totals(self, vectors: Sequence[Any], at: Any) -> None:
        """Store the sum over the lanes of each vector, side by side."""
        together = 1 << (min(len(vectors), self.lanes).bit_length() - 1)
        self.store(self._totals(vectors[:together]), at)
        if vectors[together:]:
            self.store_totals(vectors[together:], self.builder.gep(at, [constant(together * self.item)]))

    def _totals(self, vectors: Sequence[Any]) -> Any:
        """Return the sums over the lanes of a power of two of vectors, as the lanes of one.

        Two vectors become one, and each of them then has a part of its lanes, until there is one vector; its
        parts become shorter until each is a lane.
        """
        parts, count = 1, len(vectors)
        while len(vectors) > 1:
            half = len(vectors) // 2
            pairs = zip(vectors[:half], vectors[half:], strict=True)
            vectors = [self._joined(one, other, parts) for one, other in pairs]
            parts *= 2
        (vector,) = vectors
        while vector.type.count > count:
            vector = self._folded(vector, parts)
        return vector

    def _joined(self, one: Any, other: Any, parts: int) -> Any:
        """Return the sums of the halves of all parts, those of `one` and of `other` in turn."""
        half = self.lanes // parts // 2
        mine = [lane // half % 2 == 0 for lane in range(self.lanes)]
        there = [lane if own else lane + self.lanes for lane, own in enumerate(mine)]
        across = [lane + half if own else lane - half + self.lanes for lane, own in enumerate(mine)]
        shuffle = self.builder.shuffle_vector
        # The first leaves every lane where it is, which takes no shuffle.
        return self.builder.fadd(*(shuffle(one, other, _lane_numbers(places)) for places in (there, across)))

    def _folded(self, vector: Any, parts: int) -> Any:
        """Return the sums of the halves of all parts, in half as many lanes."""
        half, lanes = vector.type.count // parts // 2, range(vector.type.count)
        first, second = (
            _lane_numbers(lane for lane in lanes if lane // half % 2 == which) for which in (0, 1)
        )
        shuffle = self.builder.shuffle_vector
        return self.builder.fadd(shuffle(vector, vector, first), shuffle(vector, vector, second))

    def loop(self, steps: Any, starts: list[Any], body: Callable[..., list[Any]]) -> list[Any]:
        """Generate a loop that carries values, `steps` times `values = body(*values)`; return the last."""
        builder, before = self.builder, self.builder.block
        loop, after = builder.append_basic_block("inner"), builder.append_basic_block("after")
        builder.branch(loop)
        builder.position_at_end(loop)
        step, *values = (builder.phi(start.type) for start in (constant(0), *starts))
        ends = [builder.add(step, constant(1)), *body(*values)]
        for phi, start, end in zip((step, *values), (constant(0), *starts), ends, strict=True):
            phi.add_incoming(start, before)
            phi.add_incoming(end, builder.block)
        builder.cbranch(builder.icmp_signed("<", ends[0], steps), loop, after)
        builder.position_at_end(after)
        return ends[1:]


def choose(builder: Any, count: Any, most: int, body: Callable[[int], None]) -> None:
    """Generate `body` for every count from 1 to `most`, and the branch to the one that holds."""
    done = builder.append_basic_block("done")
    cases = [builder.append_basic_block(f"count{number}") for number in range(1, most + 1)]
    switch = builder.switch(count, cases[-1])
    for number, case in enumerate(cases, start=1):
        if number < most:
            switch.add_case(constant(number), case)
        builder.position_at_end(case)
        body(number)
        builder.branch(done)
    builder.position_at_end(done)


def constant(value: int) -> Any:
    """Return LLVM's constant of an integer."""
    return ir.Constant(ir.IntType(64), value)


def _lane_numbers(numbers: Any) -> Any:
    numbers = list(numbers)
    return ir.Constant(ir.VectorType(ir.IntType(32), len(numbers)), numbers)
