"""Views of an array in CPU kernels.

Kernels count no references to arrays: threads that share one would else spend more time on its counter than
on a small net. The arrays are kept alive by who calls the kernel. A function of Numba's cannot return a view
then, a code generator can.
"""

from __future__ import annotations

from typing import Any

from xpnet_kernels._jit import cgutils, intrinsic, types
from xpnet_kernels._tile_code import constant


@intrinsic
def view(typing: Any, buffer: Any, place: Any) -> Any:
    """Return some rows that lie one after another in a buffer.

    Parameters
    ----------
    buffer : array (n,), contiguous
    place : tuple of three int
        Where the first begins, how many there are, and the elements of each. Nothing is checked.

    Returns
    -------
    array (rows, elements)
    """
    result = types.Array(buffer.dtype, 2, "C", readonly=not buffer.mutable)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole = context.make_array(buffer)(context, builder, args[0])
        start, rows, elements = cgutils.unpack_tuple(builder, args[1], 3)
        rows_array = context.make_array(result)(context, builder)
        item = constant(context.get_abi_sizeof(context.get_data_type(buffer.dtype)))
        rows_array.data = builder.gep(whole.data, [start])
        rows_array.shape = cgutils.pack_array(builder, [rows, elements])
        rows_array.strides = cgutils.pack_array(builder, [builder.mul(elements, item), item])
        rows_array.itemsize, rows_array.nitems = item, builder.mul(rows, elements)
        for owner in ("meminfo", "parent"):
            setattr(rows_array, owner, cgutils.get_null_value(getattr(rows_array, owner).type))
        return rows_array._getvalue()

    return result(buffer, types.UniTuple(types.int64, 3)), generate
