"""Limits of a CUDA launch: the simulator itself would run any grid and any block."""

import importlib.util
import itertools
import sys

import numpy as np
import pytest
from engines import library_for, simulated

if not simulated() or importlib.util.find_spec("numba_cuda") is None:
    pytest.skip("there is no simulator: a GPU is used, or numba-cuda is absent", allow_module_level=True)

from numba.cuda.simulator.kernel import FakeCUDAKernel

from xpnet_kernels import _jit, _launch, registry
from xpnet_kernels._limits import MOST_BLOCKS, check_launch

ROWS = 16 * MOST_BLOCKS[1] + 1
"""One row more than blocks of 16 along y hold."""

LARGE = {
    "PRODUCT_SHAPES": ((ROWS, 1, 1), (1, ROWS, 1), (1, 1, ROWS)),
    "MATRIX_SHAPES": ((ROWS, 1), (1, ROWS)),
}
"""In place of the shapes of the operations' samples."""

WAYS = {
    "launch": _launch.launch,
    "bound": lambda *args: _launch.bound(*args)(),
    "launch_cooperatively": lambda kernel, *sizes: _launch.launch_cooperatively(kernel, *sizes),
}


def nothing():
    pass


@pytest.fixture
def launched(monkeypatch):
    """The names of the kernels that were launched: none of them runs."""
    library_for("numba-cuda", monkeypatch)
    names = []
    monkeypatch.setattr(FakeCUDAKernel, "__call__", lambda kernel, *args: names.append(kernel.__name__))
    return names


POSSIBLE = [
    (1, 1),
    (2**31 - 1, 1024),
    ((5, 65_535, 65_535), (16, 16)),
    ((1,), (1, 1024)),
    (1, (1, 1, 64)),
    (1, (4, 4, 64)),
]
IMPOSSIBLE = [
    (2**31, 1, "blocks"),
    ((1, 65_536), 1, "blocks"),
    ((1, 1, 65_536), 1, "blocks"),
    (1, 1025, "threads"),
    (1, (1, 1025), "threads"),
    (1, (1, 1, 65), "threads"),
    (1, (33, 32), "1056 threads in a block"),
    (1, (32, 4, 9), "1152 threads in a block"),
    (1, 0, "threads"),
    ((1, -1), 1, "blocks"),
]


@pytest.mark.parametrize(("grid", "block"), POSSIBLE)
@pytest.mark.parametrize("way", ["launch", "bound"])
def test_what_cuda_launches_is_launched(way, grid, block, launched):
    WAYS[way](_jit._compile_cuda(nothing), grid, block)
    assert launched == ["nothing"]


@pytest.mark.parametrize(("grid", "block", "words"), IMPOSSIBLE)
@pytest.mark.parametrize("way", ["launch", "bound"])
def test_what_cuda_does_not_launch_is_an_error(way, grid, block, words, launched):
    with pytest.raises(ValueError, match=rf"^nothing would be launched with .*{words}.*, where CUDA takes"):
        WAYS[way](_jit._compile_cuda(nothing), grid, block)
    assert launched == []


@pytest.mark.parametrize(("grid", "block"), [(2**31, 32), (3, 1056)])
def test_a_cooperative_launch_is_checked_too(grid, block, launched):
    with pytest.raises(ValueError, match=r"where CUDA takes"):
        WAYS["launch_cooperatively"](_jit._compile_cuda(nothing), grid, block)


def test_it_is_checked_where_a_kernel_is_configured_for_a_gpu(monkeypatch, launched):
    """Once for each configuration, which is kept: a launch that comes again costs nothing more."""
    seen = []
    monkeypatch.setattr(_launch, "check_launch", lambda *args: seen.append(args) or check_launch(*args))
    monkeypatch.setattr(_launch, "_simulated", lambda: False)
    monkeypatch.setattr(_launch, "_stream", lambda: 0)
    kernel = _jit._compile_cuda(nothing)
    for _ in range(3):
        _launch.launch(kernel, 7, 8)
    assert seen == [(kernel, 7, 8)]
    with pytest.raises(ValueError, match=r"where CUDA takes"):
        _launch.launch(kernel, (1, 65_536), 8)


SHAPED = [
    pytest.param(operation, implementation, id=f"{operation.name}-{implementation.variant}")
    for operation in registry.values()
    if LARGE.keys() & vars(sys.modules[operation.reference.__module__]).keys()
    for implementation in operation.implementations
    if implementation.engine == "numba-cuda"
]


@pytest.mark.parametrize(("operation", "implementation"), SHAPED)
def test_long_and_wide_arrays_are_launched(operation, implementation, launched, monkeypatch):
    """With tiles of the size that a GPU has: the simulator's are smaller, and reach the limit sooner."""
    monkeypatch.setattr(sys.modules["xpnet_kernels.matmul"], "TILE", 16)
    monkeypatch.setattr(_launch, "THREADS", 256)
    module, runs = sys.modules[operation.reference.__module__], 0
    for name in LARGE.keys() & vars(module).keys():
        monkeypatch.setattr(module, name, LARGE[name])
    for sample in operation.sample_inputs(np.random.default_rng(0), "float32"):
        before = len(launched)
        with np.errstate(all="ignore"):  # what no kernel has written
            implementation.function(*sample.arrays, **sample.options)
        runs += len(launched) > before
    assert runs >= len(LARGE) or implementation.variant == "cublas"


@pytest.mark.parametrize("sizes", [(4, 8, 3), (4, 3), (3, 40, 5, 40)])
@pytest.mark.parametrize("batch", [4 * MOST_BLOCKS[1], 4 * MOST_BLOCKS[1] + 1])
def test_a_captured_epoch_of_long_batches_is_launched(batch, sizes, launched, monkeypatch):
    from xpnet_kernels.mlp_epoch.graph import step, tiles

    for name, value in {"LANES": 32, "SLICES": 8, "ROWS": 4, "THREADS": 256}.items():
        monkeypatch.setattr(tiles, name, value)
    monkeypatch.setattr(step, "WIDE", sys.maxsize)
    arrays = [np.zeros((3, sizes[0]), "float32"), np.zeros(3, int), np.zeros(batch, int)]
    for inputs, outputs in itertools.pairwise(sizes):
        arrays += [np.zeros((inputs, outputs), "float32"), np.zeros(outputs, "float32")]
    activations = ("relu",) * (len(sizes) - 2)
    (train,) = [one.function for one in registry["mlp_epoch"].implementations if one.variant == "graph"]
    options = {"activations": activations, "batch_size": batch, "update": "sgd", "options": [{"lr": 0.1}]}
    train(*arrays, **options)
    assert launched
