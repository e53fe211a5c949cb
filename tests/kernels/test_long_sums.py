"""Sums over the rows of a batch, and the weights of a net, keep their digits however many there are."""

import itertools
import sys

import numpy as np
import pytest
from engines import to_numpy
from layouts import LAYOUTS, laid_out
from test_implementations import as_tuple

from xpnet_kernels import _threads, registry
from xpnet_kernels._sums import LONGEST, add_rows, sum_along, sum_in_pairs

EPS = float(np.finfo("float32").eps)
KINDS = {
    "constant": lambda shape: np.full(shape, 0.1, "float32"),
    "random": lambda shape: np.random.default_rng(0).random(shape, dtype="float32"),
}
"""Positive numbers, of which a sum that loses digits loses them to one side."""


def variants_of(operation):
    ours = [one.variant for one in registry[operation].implementations if one.engine == "numba"]
    return ["reference", *ours]


LOSSES = ("softmax_cross_entropy", "squared_error", "binary_cross_entropy")
HOST = [
    *(("affine_backward", variant) for variant in variants_of("affine_backward")),
    ("matmul", "tiled"),  # BLAS adds up as it likes
    *(("weight_penalty", variant) for variant in variants_of("weight_penalty")),
    *((loss, variant) for loss in LOSSES for variant in variants_of(loss)),
]
DEVICE = [
    pytest.param(one, id=one.variant)
    for one in registry["affine_backward"].implementations
    if one.engine == "numba-cuda"
]


def allowed(count):
    """How far from the true sum of so many numbers a float32 sum may be, relative to it."""
    return 4 * EPS * np.log2(count)


def function_of(operation, variant):
    if variant == "reference":
        return lambda *arrays, **options: registry[operation].reference(np, *arrays, **options)
    (found,) = [
        one.function
        for one in registry[operation].implementations
        if (one.engine, one.variant) == ("numba", variant)
    ]
    return found


def call_of(operation, count, made):
    """Return arrays and options of an operation that adds up so many numbers."""
    if operation == "affine_backward":
        return (made((count, 3)), made((count, 2)), made((2, 3))), {}
    if operation == "matmul":
        return (made((3, count)), made((count, 2))), {}
    if operation == "weight_penalty":
        return (made((count,)),), {"weight_decay": 0.1}
    x = made((count, 3))
    return (x, np.zeros(count, int) if operation == "softmax_cross_entropy" else np.zeros_like(x)), {}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [100, 10_000, 1_000_000])
@pytest.mark.parametrize(("operation", "variant"), HOST)
def test_a_float32_sum_is_near_the_float64_sum(operation, variant, count, kind):
    arrays, options = call_of(operation, count, KINDS[kind])
    results = as_tuple(function_of(operation, variant)(*arrays, **options))
    exact = as_tuple(registry[operation].reference(np, *map(widened, arrays), **options))
    sums = slice(0, 1)
    if operation == "affine_backward":
        sums = slice(1 if variant == "tiled" else 2, 3)  # dW by our own product, and db
    for result, value in zip(results[sums], exact[sums], strict=True):
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, value, rtol=allowed(count))


def widened(array):
    return array.astype("float64") if array.dtype == np.float32 else array


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("variant", ["reference", "blas", "tiled"])
def test_db_in_every_layout(variant, layout, kind):
    arrays = laid_out(np, layout, [KINDS[kind](shape) for shape in ((20_001, 5), (20_001, 1), (1, 5))])
    db = function_of("affine_backward", variant)(*arrays)[2]
    np.testing.assert_allclose(db, arrays[0].sum(axis=0, dtype="float64"), rtol=allowed(20_001))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("implementation", DEVICE)
def test_db_of_the_cuda_kernels(implementation, kind, library):
    xp = library("numba-cuda")
    arrays = [KINDS[kind](shape) for shape in ((4_100, 2), (4_100, 1), (1, 2))]
    _, dW, db = map(to_numpy, implementation.function(*map(xp.asarray, arrays)))
    dout, x = arrays[0].astype("float64"), arrays[1].astype("float64")
    assert (db.dtype, db.shape) == (np.float32, (2,))
    np.testing.assert_allclose(db, dout.sum(axis=0), rtol=allowed(4_100))
    if implementation.variant == "tiled":
        np.testing.assert_allclose(dW, x.T @ dout, rtol=allowed(4_100))


@pytest.mark.parametrize("variant", ["reference", "blas", "tiled"])
@pytest.mark.parametrize("rows", [1, 100, LONGEST])
def test_a_batch_of_the_usual_size_has_the_bits_of_the_plain_sum(rows, variant):
    dout = np.random.default_rng(1).normal(size=(rows, 5)).astype("float32")
    plain = np.zeros(5, "float32")
    for row in dout:
        plain += row
    arrays = dout, np.ones((rows, 1), "float32"), np.ones((1, 5), "float32")
    np.testing.assert_array_equal(function_of("affine_backward", variant)(*arrays)[2], plain)
    sums = np.zeros(5, "float32")
    add_rows(dout, sums)
    np.testing.assert_array_equal(sums, plain)


SHAPES = [(0, 3), (5, 0), (LONGEST, 2), (LONGEST + 1, 2), (3, 4_097, 2), (2, 3, 4_096), (70_000,)]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_axis_is_summed(shape, keepdims):
    strict = pytest.importorskip("array_api_strict")
    x = KINDS["random"](shape)
    for axis in range(x.ndim):
        exact = x.sum(axis=axis, keepdims=keepdims, dtype="float64")
        for xp, given in ((np, x), (np, np.asfortranarray(x)), (strict, strict.asarray(x))):
            found = sum_along(xp, given, axis, keepdims=keepdims)
            assert found.shape == exact.shape
            assert found.dtype == xp.float32
            np.testing.assert_allclose(np.asarray(found), exact, rtol=allowed(max(x.shape[axis], 2)))


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("variant", ["reference", "blas"])
def test_what_is_not_finite_stays_in_its_column(variant, bad):
    dout = np.ones((1_000, 3), "float32")
    dout[700, 1] = bad
    x, W = np.zeros((1_000, 1), "float32"), np.zeros((1, 3), "float32")
    with np.errstate(invalid="ignore"):
        db = function_of("affine_backward", variant)(dout, x, W)[2]
    np.testing.assert_array_equal(db, [1_000, bad, 1_000])


@pytest.mark.parametrize("count", [1, 2, 3, 7, 5_000])
def test_arrays_are_summed_in_pairs(count):
    arrays = [np.full((2, 2), 0.1, "float32")] * count
    np.testing.assert_allclose(sum_in_pairs(arrays), count * np.float64(np.float32(0.1)), rtol=8 * EPS)
    assert (arrays[0] == np.float32(0.1)).all()


def first_step(batch, kind, zeros, sizes=(48, 24, 3)):
    """Return an epoch's arguments with which its one step leaves the negative gradients in momentum's arrays.

    Class 0, every sample's, has no weights, so that no gradient is a difference. With many zeros the first
    layer goes by the samples' records.
    """
    made = KINDS[kind]
    x = made((batch, sizes[0]))
    x[:, np.random.default_rng(2).random(sizes[0]) < zeros] = 0
    parameters = []
    for inputs, outputs in itertools.pairwise(sizes):
        draw = np.random.default_rng(inputs)
        parameters += [0.1 * draw.random((inputs, outputs), "float32"), 0.1 * np.ones(outputs, "float32")]
    parameters[-2][:, 0] = 0
    states = [np.zeros_like(array) for array in parameters]
    options = {
        "activations": ("relu",),
        "batch_size": batch,
        "update": "momentum",
        "options": [{"lr": 1.0, "momentum": 0.0}],
    }
    return (x, np.zeros(batch, int), np.arange(batch), *parameters, *states), options


def gradients_of(train, arrays, options):
    """Return the loss, and dW and db of every layer; from the second epoch on there are records."""
    workspace = {}
    for _ in range(2):
        loss, *results = train(*arrays, **options, workspace=workspace)
    return [loss, *results[len(results) // 2 :]]


@pytest.mark.parametrize("zeros", [0, 0.8])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [100, 10_000, 60_000])
@pytest.mark.parametrize("variant", ["reference", "kernel"])
def test_loss_and_gradients_of_a_step(variant, batch, kind, zeros):
    arrays, options = first_step(batch, kind, zeros)
    exact = gradients_of(function_of("mlp_epoch", "reference"), list(map(widened, arrays)), options)
    found = gradients_of(function_of("mlp_epoch", variant), arrays, options)
    assert [one.dtype for one in found] == ["float32"] * len(exact)
    errors = [
        np.abs(one - other).max() / np.abs(other).max() for one, other in zip(found, exact, strict=True)
    ]
    assert max(errors[0], *errors[2::2]) <= allowed(batch)  # the loss, and db
    if variant == "kernel":  # dW: its tiles add up 64 samples, and then the sums of so many one after another
        assert max(errors[1::2]) <= 8 * allowed(batch)


@pytest.mark.parametrize("zeros", [0, 0.8])
def test_any_number_of_threads_adds_up_the_same_bits(zeros):
    """Of a batch in several pieces, and of more than LONGEST samples."""
    arrays, options = first_step(3_000, "random", zeros)
    found = []
    for threads in (1, 2, 3, 1):
        _threads.choose(threads)
        found.append(gradients_of(function_of("mlp_epoch", "kernel"), arrays, options))
    _threads.choose(None)
    for other in found[1:]:
        assert all(map(np.array_equal, other, found[0]))


@pytest.mark.parametrize("kind", KINDS)
def test_loss_and_gradients_of_a_captured_step(kind, library, monkeypatch):
    """Of a batch whose sums over the samples, and over the samples' losses, are made in parts."""
    xp = library("numba-cuda")
    from xpnet_kernels.mlp_epoch.graph import step, update

    monkeypatch.setattr(step, "WIDE", sys.maxsize)  # what the vendor's products add up is not ours
    monkeypatch.setattr(update, "LONGEST", 4)
    arrays, options = first_step(1_100, kind, zeros=0, sizes=(3, 2, 2))
    exact = gradients_of(function_of("mlp_epoch", "reference"), list(map(widened, arrays)), options)
    (train,) = [one.function for one in registry["mlp_epoch"].implementations if one.variant == "graph"]
    results = train(*map(xp.asarray, arrays), **options)
    found = [results[0], *results[len(results) // 2 + 1 :]]
    for one, other in zip(map(to_numpy, found), exact, strict=True):
        # Half of what is allowed: a slice of a block has added up 275 samples only.
        np.testing.assert_allclose(one, other, rtol=0, atol=allowed(1_100) / 2 * np.abs(other).max())
