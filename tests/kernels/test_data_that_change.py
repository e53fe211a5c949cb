"""Streamed data change where they lie: the next epoch of the same workspace must read what is there then."""

import numpy as np
import pytest
from engines import to_numpy
from epochs import call
from layouts import laid_out
from test_implementations import as_tuple, assert_close, in_float64

from xpnet_kernels import mlp_epoch

ON_A_GPU = [one for one in mlp_epoch.implementations if one.engine == "numba-cuda"]

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize(("layout", "labels"), [("contiguous", "int64"), ("fortran", "int32")])
@pytest.mark.parametrize("one", ON_A_GPU, ids=lambda one: one.variant)
def test_an_epoch_reads_what_the_data_hold_now(one, labels, layout, xp):
    arrays, options = call(pixels=False, labels=labels, visited=13)
    on_device, kept = list(laid_out(xp, layout, arrays)), {}
    for _ in range(2):
        results = as_tuple(one.function(*on_device, **options, workspace=kept))
        exact = mlp_epoch.reference(np, *in_float64(arrays), **options)
        for result, value in zip(results, exact, strict=True):
            assert_close(to_numpy(result), value, f"{one.variant}, {labels}, {layout}")
        arrays[0], arrays[1] = arrays[0][::-1].copy(), (arrays[1] + 1) % 3
        on_device[0][...], on_device[1][...] = xp.asarray(arrays[0]), xp.asarray(arrays[1])
