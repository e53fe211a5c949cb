"""The numbers of a vector that are not 0, brought together: how a sample is listed, some at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet_kernels import _jit
from xpnet_kernels._jit import cgutils, intrinsic, ir, types
from xpnet_kernels._simd import vector_bytes
from xpnet_kernels._tile_code import Tile

PLACE = np.dtype(np.uint16)
"""What notes the place of a number: memory is what takes the time."""

MOST_PLACES = (1 << 16) - 1
"""How long a sample may be for that."""


@intrinsic
def list_vector(typing: Any, x: Any, k: Any, scale: Any, numbers: Any, places: Any, listed: Any) -> Any:
    """List which of a vector of numbers from x[k] on are not 0; return how many are listed by now.

    Parameters
    ----------
    x : array (D,), contiguous, uint8 or of the dtype of `numbers`
        May be `numbers`.
    k : int
        At least `listed`; x reaches a vector further.
    scale : float
        What the numbers are multiplied by; of their dtype.
    numbers, places : array (n,)
        Receive the numbers and their places in x, integers of the kind PLACE. They reach a vector further
        than `listed`: what lies there is lost.
    listed : int
        How many are listed already.
    """
    index = types.int64

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        arrays = (context.make_array(signature.args[i])(context, builder, args[i]).data for i in (0, 3, 4))
        x_at, numbers_at, places_at = arrays
        tile = _Listing(context, builder, signature, numbers.dtype)
        values = tile.scaled(tile.load_any(builder.gep(x_at, [args[1]])), args[2])
        there = [(values, numbers_at), (tile.places_from(args[1]), places_at)]
        wanted = builder.fcmp_unordered("!=", values, *tile.zeros(1))  # NaN is wanted
        return tile.bring_together(wanted, there, args[5])

    return index(x, index, scale, numbers, places, index), generate


@intrinsic
def place_at(typing: Any, address: Any, index: Any) -> Any:
    """Return the `index`-th place of a list at an address, as an integer."""
    return _integer_at(8 * PLACE.itemsize)


@intrinsic
def level_at(typing: Any, address: Any, index: Any) -> Any:
    """Return the `index`-th byte of a list at an address, as an integer."""
    return _integer_at(8)


def _integer_at(bits: int) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        integers = builder.inttoptr(args[0], ir.IntType(bits).as_pointer())
        return builder.zext(builder.load(builder.gep(integers, [args[1]])), ir.IntType(64))

    return types.int64(types.int64, types.int64), generate


class _Listing(Tile):
    """Generates code for one vector of numbers, and for their places."""

    def load_any(self, at: Any) -> Any:
        """Load a vector of numbers, or one of bytes as such numbers."""
        if at.type == self.element.as_pointer():
            return self.load(self.builder.bitcast(at, ir.IntType(8).as_pointer()))
        pixels = self.builder.bitcast(at, ir.VectorType(at.type.pointee, self.lanes).as_pointer())
        return self.builder.uitofp(self.builder.load(pixels, align=1), self.vector)

    def scaled(self, values: Any, scale: Any) -> Any:
        """Return the numbers times `scale`."""
        return self.builder.fmul(values, self.spread(scale))

    def places_from(self, k: Any) -> Any:
        """Return k, k + 1, ... as a vector of places."""
        kind = ir.IntType(8 * PLACE.itemsize)
        lanes = ir.Constant(ir.VectorType(kind, self.lanes), list(range(self.lanes)))
        return self.builder.add(self.spread(self.builder.trunc(k, kind)), lanes)

    def bring_together(self, wanted: Any, there: list[tuple[Any, Any]], listed: Any) -> Any:
        """Store the wanted lanes of vectors side by side, from place `listed` on; return what follows it."""
        if vector_bytes() < 64:
            return self._one_by_one(wanted, there, listed)
        for values, base in there:
            # In a register and then all of it to memory: some processors take long to store a part.
            self._store_any(self._compressed(values, wanted), base, listed)
        bits = self.builder.bitcast(wanted, ir.IntType(self.lanes))
        return self.builder.add(listed, self.builder.zext(self.builder.ctpop(bits), listed.type))

    def _compressed(self, values: Any, wanted: Any) -> Any:
        """Return a vector that begins with the wanted lanes of another; needs AVX-512."""
        whole, letter, bits = values.type, "f", 8 * self.item
        if values.type != self.vector:
            letter, bits = "i", 16 if _jit.host_features().get("avx512vbmi2") else 8 * self.item
            values = self.builder.zext(values, ir.VectorType(ir.IntType(bits), self.lanes))
        name = f"llvm.x86.avx512.mask.compress.v{self.lanes}{letter}{bits}"
        signature = ir.FunctionType(values.type, [values.type, values.type, wanted.type])
        function = cgutils.get_or_insert_function(self.builder.module, signature, name)
        packed = self.builder.call(function, [values, ir.Constant(values.type, None), wanted])
        return packed if packed.type == whole else self.builder.trunc(packed, whole)

    def _one_by_one(self, wanted: Any, there: list[tuple[Any, Any]], listed: Any) -> Any:
        """Do it lane by lane, where there is any."""
        builder, before, following = self.builder, self.builder.block, listed
        bits = ir.IntType(self.lanes)
        found = builder.icmp_unsigned("!=", builder.bitcast(wanted, bits), ir.Constant(bits, 0))
        with builder.if_then(found):
            for lane in range(self.lanes):
                number = ir.Constant(ir.IntType(32), lane)
                for values, base in there:
                    builder.store(builder.extract_element(values, number), builder.gep(base, [following]))
                one = builder.zext(builder.extract_element(wanted, number), listed.type)
                following = builder.add(following, one)
            inside = builder.block
        result = builder.phi(listed.type)
        result.add_incoming(listed, before)
        result.add_incoming(following, inside)
        return result

    def _store_any(self, values: Any, base: Any, place: Any) -> None:
        at = self.builder.bitcast(self.builder.gep(base, [place]), values.type.as_pointer())
        self.builder.store(values, at, align=PLACE.itemsize)
