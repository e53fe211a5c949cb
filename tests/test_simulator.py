"""The tests' own simulator of CUDA: shuffles, cooperative grids, and what it must catch."""

import importlib.util
from types import FunctionType

import numpy as np
import pytest
from engines import library_for, simulated

if not simulated() or importlib.util.find_spec("numba_cuda") is None:
    pytest.skip("there is no simulator: a GPU is used, or numba-cuda is absent", allow_module_level=True)

import simulator

from xpnet_kernels import _jit, _launch, _ptx

ALL = 0xFFFFFFFF


@pytest.fixture(autouse=True)
def cuda(monkeypatch):
    """Install the simulator, and give this file's kernels their `cuda` and a `load_acquire` that spins."""
    library_for("numba-cuda", monkeypatch)
    names = globals()
    for name, value in {"cuda": _jit.cuda, "load_acquire": simulator.load_acquire}.items():
        monkeypatch.setitem(names, name, value)
    return _jit.cuda


def run(kernel, blocks, threads, *args):
    """Run a kernel's blocks all at once."""
    _launch.launch_cooperatively(_jit._compile_cuda(kernel), blocks, threads, *args)


SHUFFLES = {
    "shfl_sync": (5, lambda lanes: np.full(32, 5)),
    "shfl_up_sync": (3, lambda lanes: np.where(lanes < 3, lanes, lanes - 3)),
    "shfl_down_sync": (3, lambda lanes: np.where(lanes > 28, lanes, lanes + 3)),
    "shfl_xor_sync": (6, lambda lanes: lanes ^ 6),
}


@pytest.mark.parametrize("name", SHUFFLES)
def test_a_shuffle_brings_the_value_of_another_lane(name):
    def kernel(x, y):
        i = cuda.grid(1)
        y[i] = getattr(cuda, name)(ALL, x[i], by)

    by, source = SHUFFLES[name]
    x, y = np.random.default_rng(0).normal(size=128).astype("float32"), np.zeros(128, "float32")
    run(kernel, 2, 64, x, y)
    lanes = source(np.arange(32))
    np.testing.assert_array_equal(y.reshape(4, 32), x.reshape(4, 32)[:, lanes])


def test_a_sum_over_a_warp():
    def kernel(x, y):
        value = x[cuda.grid(1)]
        for bit in range(5):
            value += cuda.shfl_xor_sync(ALL, value, 1 << bit)
        y[cuda.grid(1)] = value

    x, y = np.arange(64), np.zeros(64, int)
    run(kernel, 1, 64, x, y)
    np.testing.assert_array_equal(y, np.repeat(x.reshape(2, 32).sum(axis=1), 32))


def test_a_mask_names_those_who_meet():
    """The even lanes go another way than the odd ones."""

    def kernel(x, y):
        i = cuda.threadIdx.x
        if i % 2:
            y[i] = -x[i]
        else:
            y[i] = cuda.shfl_xor_sync(0x55555555, x[i], 2)

    x, y = np.arange(1, 33), np.zeros(32, int)
    run(kernel, 1, 32, x, y)
    np.testing.assert_array_equal(y, np.where(np.arange(32) % 2, -x, x[np.arange(32) ^ 2]))


def test_one_group_of_a_warp_does_not_wait_for_another():
    """Lane 0, which is waited for first, needs lane 1, and that comes only after the upper half has met."""

    def kernel(x):
        i = cuda.threadIdx.x
        if i >= 16:
            x[i] = cuda.shfl_xor_sync(0xFFFF0000, i, 1)
            x[1] = 7 if i == 31 else x[1]
        elif i == 1:
            while load_acquire(x, 1) != 7:  # noqa: F821
                pass
        if i < 2:
            cuda.syncwarp(3)

    x = np.zeros(32, int)
    run(kernel, 1, 32, x)
    np.testing.assert_array_equal(x[16:], np.arange(16, 32) ^ 1)


def test_syncwarp_lets_one_lane_see_what_another_wrote():
    def kernel(x):
        i = cuda.threadIdx.x
        if i == 31:
            x[0] = 7
        cuda.syncwarp()
        x[i] = x[0]

    x = np.zeros(32, int)
    run(kernel, 1, 32, x)
    np.testing.assert_array_equal(x, 7)


def sums_of_other_blocks(meet):
    """Return a kernel in which each block writes a number, and adds up those of all others later."""

    def kernel(numbers, sums, arrivals):
        block = cuda.blockIdx.x
        if cuda.threadIdx.x == 31:
            numbers[block] = block + 1
        cuda.syncthreads()
        if meet and cuda.threadIdx.x == 0:
            _ptx.add_one_release(arrivals, 0)
            while load_acquire(arrivals, 0) < cuda.gridDim.x:  # noqa: F821
                pass
        cuda.syncthreads()
        if cuda.threadIdx.x == 5:
            sums[block] = numbers.sum()

    return kernel


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_blocks_meet_in_any_order_of_turns(seed, monkeypatch):
    monkeypatch.setattr(simulator, "SEED", seed)
    numbers, sums, arrivals = np.zeros(5, int), np.zeros(5, int), np.zeros(1, np.uint32)
    run(sums_of_other_blocks(meet=True), 5, 32, numbers, sums, arrivals)
    np.testing.assert_array_equal(sums, 15)
    assert arrivals.tolist() == [5]


def test_a_barrier_of_the_grid_that_is_missing_gives_wrong_values():
    numbers, sums, arrivals = np.zeros(5, int), np.zeros(5, int), np.zeros(1, np.uint32)
    run(sums_of_other_blocks(meet=False), 5, 32, numbers, sums, arrivals)
    assert sums.tolist() != [15] * 5


def test_shared_memory_is_a_blocks_own_and_nan_at_first():
    def kernel(x):
        shared = cuda.shared.array(1, np.float32)
        if cuda.threadIdx.x == 0 and cuda.blockIdx.x == 0:
            shared[0] = 3
        cuda.syncthreads()
        x[cuda.grid(1)] = shared[0]

    x = np.zeros(4, "float32")
    run(kernel, 2, 2, x)
    np.testing.assert_array_equal(x, [3, 3, np.nan, np.nan])


def two_on_a_line(numbers):
    a, b = cuda.shared.array(2, np.float32), cuda.shared.array(2, np.float32)
    write_and_read(a, b, numbers)


def two_of_other_shapes_on_a_line(numbers):
    a, b = cuda.shared.array((3, 2), np.float32), cuda.shared.array(2, np.int64)
    write_and_read(a[1], b, numbers)


def by_one_helper_for_two_dtypes(numbers):
    write_and_read(new_array(np.float32), new_array(np.int64), numbers)


def by_a_helper_and_its_twin(numbers):
    """As `_jit.on_device` makes one: the same code with other globals."""
    write_and_read(array_of(cuda), twin(cuda), numbers)


def by_two_helpers_alike(numbers):
    """Their code is equal for Python, name, line and all."""
    write_and_read(alike[0](), alike[1](), numbers)


def write_and_read(a, b, numbers):
    i = cuda.threadIdx.x
    a[i], b[i] = 1, 2
    cuda.syncthreads()
    numbers[i] = 10 * a[1 - i] + b[1 - i]


def new_array(dtype):
    return cuda.shared.array(2, dtype)


def array_of(module):
    return module.shared.array(2, "float32")


twin = FunctionType(array_of.__code__, {})
source = compile("lambda: cuda.shared.array(2, np.float32)", "helper.py", "eval")
again = compile("lambda: cuda.shared.array(2, np.float32)", "helper.py", "eval")
alike = eval(source), eval(again)


@pytest.mark.parametrize(
    "kernel",
    [
        two_on_a_line,
        two_of_other_shapes_on_a_line,
        by_one_helper_for_two_dtypes,
        by_a_helper_and_its_twin,
        by_two_helpers_alike,
    ],
)
def test_two_shared_arrays_are_two(kernel):
    assert alike[0].__code__ == alike[1].__code__
    numbers = np.zeros(2, int)
    run(kernel, 1, 2, numbers)
    np.testing.assert_array_equal(numbers, 12)


def the_same_in_a_loop(numbers):
    for turn in range(3):
        shared = cuda.shared.array(2, np.float32)
        if turn == 0:
            shared[cuda.threadIdx.x] = 5
        numbers[cuda.threadIdx.x] = shared[cuda.threadIdx.x]


def the_same_in_a_helper_called_twice(numbers):
    new_array(np.float32)[cuda.threadIdx.x] = 5
    numbers[cuda.threadIdx.x] = new_array(np.float32)[cuda.threadIdx.x]


def the_same_in_a_helper_of_two_others(numbers):
    write_five()
    numbers[cuda.threadIdx.x] = what_was_written()


def write_five():
    new_array(np.float32)[cuda.threadIdx.x] = 5


def what_was_written():
    return new_array(np.float32)[cuda.threadIdx.x]


@pytest.mark.parametrize(
    "kernel",
    [the_same_in_a_loop, the_same_in_a_helper_called_twice, the_same_in_a_helper_of_two_others],
)
def test_one_instruction_allocates_one_shared_array(kernel):
    """Static shared memory is one place for the whole launch of a block."""
    numbers = np.zeros(2, int)
    run(kernel, 1, 2, numbers)
    np.testing.assert_array_equal(numbers, 5)


def one_block_never_comes(arrivals):
    if cuda.threadIdx.x == 0:
        if cuda.blockIdx.x != 1:
            _ptx.add_one_release(arrivals, 0)
        while load_acquire(arrivals, 0) < 3:  # noqa: F821
            pass
    cuda.syncthreads()


def a_lane_never_comes(arrivals):
    if cuda.threadIdx.x == 7:
        cuda.syncthreads()
    cuda.syncwarp()


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        (one_block_never_comes, r"block \(1, 0, 0\): 31 threads, each is at a barrier"),
        (a_lane_never_comes, r"block \(2, 0, 0\): 31 threads, each waits for its warp"),
    ],
)
def test_a_deadlock_is_said(kernel, words):
    with pytest.raises(RuntimeError, match=r"deadlock: .*" + words):
        run(kernel, 3, 32, np.zeros(1, np.uint32))


def test_a_barrier_that_part_of_a_block_reaches_is_an_error():
    def kernel():
        if cuda.threadIdx.x < 5:
            cuda.syncthreads()

    with pytest.raises(RuntimeError, match=r"only part of block \[1, 0, 0\]|only part of block \[0, 0, 0\]"):
        run(kernel, 2, 32)


def test_an_error_in_one_thread_ends_all():
    left = []

    def kernel():
        try:
            if cuda.grid(1) == 40:
                raise ValueError("planted")
            cuda.syncthreads()
        finally:
            left.append(cuda.grid(1))

    with pytest.raises(ValueError, match=r"planted\nin thread \[8, 0, 0\] of block \[1, 0, 0\]"):
        run(kernel, 2, 32)
    assert sorted(left) == list(range(41))  # the others had not begun
    run(lambda: None, 1, 1)  # and the next kernel finds nothing of it
