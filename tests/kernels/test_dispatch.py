"""An operation looks at its arrays and at the chosen engines, and takes what serves them."""

import threading

import numpy as np
import pytest

from xpnet_kernels import _dispatch, relu
from xpnet_kernels._arrays import DeviceMismatchError
from xpnet_kernels._operation import Operation, operation, registry

x = np.array([1.0, -1.0], dtype=np.float32)
two = np.array([1, -1])


@pytest.fixture(autouse=True)
def kernels_process_wide():
    """Serve every family by its kernels; leave the choice as it was."""
    before = _dispatch.current()
    _dispatch.set_process_wide(_dispatch.KERNELS)
    yield
    _dispatch.set_process_wide(before)


@pytest.fixture
def which():
    """Make an operation of one or two arrays that tells what served it."""

    def which(xp, a, b=None):
        return "reference"

    made = Operation(which, "Which")
    made.implementation("numba")(lambda a, b=None: "kernel")
    made.implementation("numba", "second")(lambda a, b=None: "second kernel")
    return made


def test_kernels_serve_numpy_arrays_unless_told_otherwise(which):
    assert which(x) == "kernel"


def test_the_first_implementation_of_an_engine_serves_it(which):
    assert [implementation.variant for implementation in which.implementations] == ["kernel", "second"]
    assert which(x) == "kernel"


def test_the_first_implementation_that_can_compute_a_call_serves_it():
    made = Operation(lambda xp, a: "reference", "Choosy")
    made.implementation("numba", "long", lambda a: None if a.size > 2 else "too short")(lambda a: "long")
    assert made(np.ones(3)) == "long"
    assert made(np.ones(2)) == "reference"
    made.implementation("numba", "short")(lambda a: "short")
    assert made(np.ones(3)) == "long"
    assert made(np.ones(2)) == "short"


def test_an_operation_without_a_kernel_is_served_by_its_reference():
    assert Operation(lambda xp, a: "reference", "Bare")(x) == "reference"


def test_serving_holds_for_the_block_and_nests(which):
    with _dispatch.serving(_dispatch.REFERENCE):
        assert which(x) == "reference"
        with _dispatch.serving(_dispatch.KERNELS):
            assert which(x) == "kernel"
        assert which(x) == "reference"
    assert which(x) == "kernel"


def test_serving_ends_when_the_block_raises(which):
    with pytest.raises(KeyError), _dispatch.serving(_dispatch.REFERENCE):
        raise KeyError
    assert which(x) == "kernel"


def in_a_thread(function):
    """Call `function` in a new thread and return what it returns."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def test_serving_holds_in_the_calling_thread_only(which):
    with _dispatch.serving(_dispatch.REFERENCE):
        assert in_a_thread(lambda: which(x)) == "kernel"


def test_the_process_wide_choice_holds_in_every_thread(which):
    in_a_thread(lambda: _dispatch.set_process_wide(_dispatch.REFERENCE))
    assert which(x) == "reference"
    assert in_a_thread(lambda: which(x)) == "reference"


def test_the_process_wide_choice_is_asked_for_once_when_first_needed(which, monkeypatch):
    asked = []
    monkeypatch.setattr(_dispatch, "_choose", None)
    _dispatch.choose_with(lambda: asked.append(1) or _dispatch.REFERENCE)
    _dispatch.set_process_wide(None)
    assert not asked
    assert (which(x), which(x)) == ("reference", "reference")
    assert asked == [1]


@pytest.mark.parametrize(
    "arrays",
    [
        pytest.param((two,), id="integers"),
        pytest.param((two > 0,), id="booleans"),
        pytest.param((x.astype(np.float16),), id="float16"),
        pytest.param((x.astype(np.longdouble),), id="longdouble"),
        pytest.param((x.astype(np.complex64),), id="complex"),
        pytest.param((x, x.astype(np.float64)), id="float32 and float64"),
        pytest.param((x.astype(np.float16), x), id="float16 and float32"),
    ],
)
def test_the_reference_serves_dtypes_that_no_kernel_is_written_for(which, arrays):
    assert which(*arrays) == "reference"


@pytest.mark.parametrize(
    "arrays",
    [
        pytest.param((x.astype(np.float64),), id="float64"),
        pytest.param((x, two), id="labels beside float32"),
        pytest.param((x, two > 0), id="mask beside float32"),
        pytest.param((x, None), id="absent array"),
        pytest.param((None, x), id="absent array first"),
        pytest.param((np.float32(1),), id="NumPy scalar"),
    ],
)
def test_kernels_serve_the_dtypes_they_are_written_for(which, arrays):
    assert which(*arrays) == "kernel"


@pytest.mark.parametrize("dtype", [np.int64, np.float16])
def test_other_dtypes_come_out_as_the_reference_makes_them(dtype):
    y, mask = relu(np.array([-2, 0, 3], dtype=dtype))
    assert (y.dtype, y.tolist(), mask.tolist()) == (dtype, [0, 0, 3], [False, False, True])


def test_two_families_meeting_raise_an_error_that_names_them(which):
    array_api_strict = pytest.importorskip("array_api_strict")
    with pytest.raises(DeviceMismatchError) as raised:
        which(x, array_api_strict.asarray([1.0]))
    message = str(raised.value)
    assert message.startswith("Which: ")
    for part in ("a is a numpy array on cpu", "b is a array_api_strict array on", "xpnet.asarray", "net.to("):
        assert part in message


def test_a_foreign_array_is_named_with_its_type_and_argument(which):
    foreign = type("Tensor", (), {"__module__": "torch", "dtype": "torch.float32", "shape": (2,)})()
    with pytest.raises(TypeError, match=r"Which: b: expected a NumPy or CuPy array, got torch\.Tensor"):
        which(x, foreign)


def test_no_array_at_all_raises(which):
    with pytest.raises(TypeError, match="Which: expected at least one array, got none"):
        which(None)


def test_a_second_operation_of_one_name_is_refused():
    def relu(xp, x):
        raise NotImplementedError

    before = registry["relu"]
    with pytest.raises(ValueError, match="an operation named relu exists already"):
        operation(layer="Relu")(relu)
    assert registry["relu"] is before


def test_an_operation_without_samples_says_how_to_add_them(which):
    with pytest.raises(ValueError, match=r"operation which has no samples; add them with @which\.samples"):
        next(which.sample_inputs(np.random.default_rng(0), "float32"))
