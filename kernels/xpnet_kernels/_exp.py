"""exp on the CPU as plain arithmetic, so that LLVM turns loops of it into vector instructions.

The C library's takes one number at a time. Here x = n ln 2 + r with |r| ≤ ½ ln 2, so that exp(x) = 2ⁿ exp(r),
and exp(r) is its Taylor series, as long as the dtype needs it (Muller, "Elementary Functions", 3rd edition,
chapter 11).
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np

from xpnet_kernels._jit import cgutils, intrinsic, ir

TERMS = {"float32": 7, "float64": 13}
"""Degree of the series: the next term is below half a unit in the last place."""


@intrinsic
def exp(typing: Any, x: Any) -> Any:
    """Return exp(x), to 2 units in the last place; 0 where it is below eight times the least normal one."""
    return x(x), lambda context, builder, signature, args: _Exp(builder, args[0], str(x)).value()


@intrinsic
def exp_minus_one(typing: Any, x: Any) -> Any:
    """Return exp(x) - 1, to 2 units in the last place also next to 0."""
    return x(x), lambda context, builder, signature, args: _Exp(builder, args[0], str(x)).minus_one()


class _Exp:
    """Generates q = exp(r) - 1 and half of 2ⁿ: the whole of it may be more than the dtype holds."""

    def __init__(self, builder: Any, x: Any, dtype: str) -> None:
        self.builder, self.x, self.dtype, facts = builder, x, dtype, np.finfo(dtype)
        self.least, self.most = (facts.minexp + 3) * math.log(2), facts.maxexp * math.log(2)
        # NaN is not inside either: it would be no whole number.
        inside = builder.and_(
            builder.fcmp_ordered(">", x, self._number(self.least)),
            builder.fcmp_ordered("<", x, self._number(self.most)),
        )
        steps = self._call("rint", builder.fmul(x, self._number(1 / math.log(2))))
        n = builder.select(inside, steps, self._number(0))
        high = float(np.dtype(dtype).type(math.log(2)))
        low = float(Decimal(2).ln() - Decimal(high))
        r = self._call("fma", n, self._number(-low), self._call("fma", n, self._number(-high), x))
        self.q, self.half_power = self._series(r), self._half_power(n, facts)

    def value(self) -> Any:
        """Generate exp(x)."""
        half = self._call("fma", self.half_power, self.q, self.half_power)
        return self._outside(self.builder.fadd(half, half), below=0.0)

    def minus_one(self) -> Any:
        """Generate exp(x) - 1."""
        less = self.builder.fsub(self.half_power, self._number(0.5))
        half = self._call("fma", self.half_power, self.q, less)
        return self._outside(self.builder.fadd(half, half), below=-1.0)

    def _series(self, r: Any) -> Any:
        """Generate r + r² (1/2! + r (1/3! + ...))."""
        degree = TERMS[self.dtype]
        total = self._number(1 / math.factorial(degree))
        for k in range(degree - 1, 1, -1):
            total = self._call("fma", total, r, self._number(1 / math.factorial(k)))
        return self._call("fma", self.builder.fmul(r, r), total, r)

    def _half_power(self, n: Any, facts: Any) -> Any:
        """Generate 2ⁿ⁻¹ from its bits: an exponent, and nothing after it."""
        bits = ir.IntType(facts.bits)
        exponent = self.builder.add(self.builder.fptosi(n, bits), ir.Constant(bits, facts.maxexp - 2))
        return self.builder.bitcast(self.builder.shl(exponent, ir.Constant(bits, facts.nmant)), self.x.type)

    def _outside(self, value: Any, below: float) -> Any:
        """Generate the choice of what is right far below and above."""
        builder = self.builder
        small = builder.fcmp_ordered("<=", self.x, self._number(self.least))
        large = builder.fcmp_ordered(">=", self.x, self._number(self.most))
        value = builder.select(large, self._number(math.inf), value)
        return builder.select(small, self._number(below), value)

    def _number(self, value: float) -> Any:
        return ir.Constant(self.x.type, float(np.dtype(self.dtype).type(value)))

    def _call(self, name: str, *arguments: Any) -> Any:
        kind = self.x.type
        signature = ir.FunctionType(kind, [kind] * len(arguments))
        name = f"llvm.{name}.f{np.finfo(self.dtype).bits}"
        return self.builder.call(
            cgutils.get_or_insert_function(self.builder.module, signature, name), arguments
        )
