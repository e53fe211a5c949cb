"""The CPU kernel that serves an operation makes its results, and no array beside them."""

import tracemalloc

import numpy as np
import pytest
from test_implementations import as_tuple

from xpnet_kernels import registry

N, D, H = 200, 120, 150
"""Sizes at which an array is larger than what Python makes on the way."""

PYTHONS_OWN = 8_000
"""Bytes; the smallest of the large arrays, a mask of (N, D), has 24,000."""

DRAW = np.random.default_rng(0)


def normal(*shape):
    return DRAW.normal(size=shape).astype("float32")


X, Y, MASK, T = normal(N, D), normal(N, D), DRAW.random((N, D)) < 0.5, DRAW.integers(0, D, N)
W, B, DOUT = normal(D, H), normal(H), normal(N, H)
STATE = normal(N, D) ** 2

ARGUMENTS = {
    "matmul": (X, W),
    "affine": (X, W, B),
    "affine_relu": (X, W, B),
    "affine_backward": (DOUT, X, W),
    "relu": (X,),
    "relu_backward": (X, MASK),
    "sigmoid": (X,),
    "sigmoid_backward": (X, Y),
    "tanh": (X,),
    "tanh_backward": (X, Y),
    "softmax": (X,),
    "softmax_backward": (X, Y),
    "softmax_cross_entropy": (X, T),
    "weight_penalty": (X,),
    "weight_penalty_backward": (X, Y),
    "sgd": (X, Y),
    "momentum": (X, Y, STATE),
    "nesterov": (X, Y, STATE),
    "adagrad": (X, Y, STATE),
    "rmsprop": (X, Y, STATE),
    "adam": (X, Y, STATE, STATE),
}
WHOLE_NETS = {"mlp_epoch", "mlp_forward"}

SERVING = [
    pytest.param(operation, served[0].function, id=operation.name)
    for operation in registry.values()
    if operation.name not in WHOLE_NETS
    if (served := [one for one in operation.implementations if one.engine == "numba"])
]


@pytest.mark.parametrize(("operation", "function"), SERVING)
def test_a_kernel_makes_its_results_only(operation, function):
    arrays = ARGUMENTS[operation.name]
    options = next(operation.sample_inputs(np.random.default_rng(0), "float32")).options
    function(*arrays, **options)  # compiles
    tracemalloc.start()
    try:
        results = as_tuple(function(*arrays, **options))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    made = sum(result.nbytes for result in results)
    assert made <= peak <= made + PYTHONS_OWN
