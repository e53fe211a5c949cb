"""Threads that meet: atomic loads and stores on an integer array, and a barrier made of them."""

from __future__ import annotations

from typing import Any

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cgutils, intrinsic, ir, njit, types

LINE = 8
"""Integers in a cache line: each thread's counter has a line of its own."""

SPINS = 400_000
"""How often a waiting thread looks before it sleeps, a few tenths of a millisecond: a busy neighbour may hold
the awaited one.

A quarter as many made an epoch without a neighbour 1.2 to 2 times as long: one that sleeps comes late, the
other waits for it and sleeps as well, and so on. Twice as many made two threads beside a neighbour slower by
two thirds.
"""

NAP = 20
"""Microseconds that it sleeps then. One that sleeps is soon let run again, one that only yields is not."""


@intrinsic
def atomic_load(typing: Any, array: Any, index: Any) -> Any:
    """Return array[index] of an int64 array, not before what its writer wrote earlier can be seen."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.gep(context.make_array(signature.args[0])(context, builder, args[0]).data, [args[1]])
        return builder.load_atomic(at, "acquire", 8)

    return types.int64(array, types.int64), generate


@intrinsic
def atomic_store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write array[index] of an int64 array, not before all that this thread wrote earlier can be seen."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.gep(context.make_array(signature.args[0])(context, builder, args[0]).data, [args[1]])
        builder.store_atomic(args[2], at, "release", 8)
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64), generate


@intrinsic
def sleep_microseconds(typing: Any, microseconds: Any) -> Any:
    """Let this thread sleep (POSIX usleep), which takes the system some 50 µs more."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i32 = ir.IntType(32)
        usleep = cgutils.get_or_insert_function(builder.module, ir.FunctionType(i32, [i32]), "usleep")
        builder.call(usleep, [builder.trunc(args[0], i32)])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@njit
def meet(counters: Array, me: int, workers: int, turn: int) -> int:
    """Wait until every worker has come here for the `turn`-th time; return the next turn.

    Parameters
    ----------
    counters : array (workers * LINE,), int64
        Zero before the first turn, which is 1.
    """
    if workers > 1:
        atomic_store(counters, me * LINE, turn)
        for other in range(workers):
            spins = 0
            while atomic_load(counters, other * LINE) < turn:
                spins += 1
                if spins > SPINS:
                    sleep_microseconds(NAP)
    return turn + 1
