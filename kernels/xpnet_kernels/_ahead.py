"""Memory that a product asks for while it is computed, so that what comes next finds it in the cache.

The memory is idle then, and would keep whatever reads from thousands of places waiting later.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cgutils, intrinsic, ir, types
from xpnet_kernels._tile_code import constant

CACHE_LINE = 64
"""Bytes that come into a cache together."""


class Ahead(NamedTuple):
    """Stretches of memory, equally long, that are asked for piece by piece: once in a step of an inner loop.

    Attributes
    ----------
    rows : array (n,), int64
        Their addresses; where there are none, still a part of an array that has one.
    times : int
        How often is asked in each; with 0 there is nothing to ask for.
    gap : int
        Bytes from one request to the next, at most a cache line.
    """

    rows: Array
    times: int
    gap: int


NOTHING = Ahead(np.zeros(1, dtype=np.int64), 0, 0)
"""No memory to ask for."""


class Requests:
    """Generates the requests of a loop for LLVM.

    A step of the inner loop has room for little more than the request itself, so that only the end of a
    stretch takes a branch.

    Parameters
    ----------
    tile : Tile
    number : int
        Which of the arguments is the `Ahead`.
    ahead
        Its value.
    otherwise
        An address in use, which is asked for where there is nothing else.
    """

    def __init__(self, tile: Any, number: int, ahead: Any, otherwise: Any) -> None:
        self.builder = builder = tile.builder
        kind = tile.signature.args[number]
        table, self.times, self.gap = cgutils.unpack_tuple(builder, ahead, 3)
        table = tile.context.make_array(kind.types[0])(tile.context, builder, table)
        self.data, self.last = table.data, builder.sub(table.nitems, constant(1))
        self.otherwise = builder.ptrtoint(otherwise, ir.IntType(64))

    def place(self, asked: Any) -> list[Any]:
        """Return what comes after asking so often: an address, its stretch's end, the gap, the stretch."""
        builder = self.builder
        times = builder.select(builder.icmp_signed(">", self.times, constant(0)), self.times, constant(1))
        return self._stretch(builder.sdiv(asked, times), builder.srem(asked, times))

    def _stretch(self, row: Any, time: Any) -> list[Any]:
        builder = self.builder
        any_left = builder.and_(
            builder.icmp_signed(">", self.times, constant(0)), builder.icmp_signed("<=", row, self.last)
        )
        start = builder.load(builder.gep(self.data, [builder.select(any_left, row, constant(0))]))
        at, end = (builder.add(start, builder.mul(n, self.gap)) for n in (time, self.times))
        never = builder.add(self.otherwise, constant(1))
        choices = [(at, self.otherwise), (end, never), (self.gap, constant(0))]
        return [*(builder.select(any_left, one, other) for one, other in choices), row]

    def ask(self, at: Any, end: Any, gap: Any, row: Any) -> list[Any]:
        """Ask for the memory at an address; return the place after it."""
        builder = self.builder
        _ask(builder, at)
        before, following = builder.block, [builder.add(at, gap), end, gap, row]
        with builder.if_then(builder.icmp_signed("==", following[0], end), likely=False):
            renewed = self._stretch(builder.add(row, constant(1)), constant(0))
            inside = builder.block
        phis = [builder.phi(value.type) for value in following]
        for phi, value, new in zip(phis, following, renewed, strict=True):
            phi.add_incoming(value, before)
            phi.add_incoming(new, inside)
        return phis


@intrinsic
def ask_for(typing: Any, address: Any) -> Any:
    """Ask for the cache line at an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _ask(builder, args[0])
        return context.get_dummy_value()

    return types.void(types.int64), generate


def _ask(builder: Any, at: Any) -> None:
    """Generate the request for the cache line at an address: read, into the second-level cache."""
    i32, pointer = ir.IntType(32), builder.inttoptr(at, ir.IntType(8).as_pointer())
    signature = ir.FunctionType(ir.VoidType(), [pointer.type, i32, i32, i32])
    function = cgutils.get_or_insert_function(builder.module, signature, "llvm.prefetch.p0")
    builder.call(function, [pointer, *(ir.Constant(i32, number) for number in (0, 2, 1))])
