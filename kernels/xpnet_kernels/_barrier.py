"""Threads that meet: atomic loads and stores on an integer array, and a barrier made of them."""

from __future__ import annotations

from typing import Any

from xpnet_kernels._arrays import Array
from xpnet_kernels._jit import cgutils, intrinsic, ir, njit, types

LINE = 8
"""Integers in a cache line: each thread's counter has a line of its own."""

SPINS = 2000
"""How often a waiting thread looks before it lets another run: a busy neighbour may hold the awaited one."""


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
def yield_processor(typing: Any) -> Any:
    """Let another thread run (POSIX sched_yield)."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function_type = ir.FunctionType(ir.IntType(32), [])
        builder.call(cgutils.get_or_insert_function(builder.module, function_type, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), generate


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
                    yield_processor()
                    spins = 0
    return turn + 1
