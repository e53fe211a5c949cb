"""Subclasses of numpy.ndarray: converted or refused at every door, before and after a first plain call."""

import numpy as np
import pytest

import xpnet
from xpnet import layers
from xpnet.nets import Sequential, TwoLayerNet
from xpnet.optimizers import SGD
from xpnet_kernels import matmul

pytestmark = pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 6)).astype("float32")
W = RNG.normal(size=(6, 3)).astype("float32")
T = np.array([0, 2, 1, 0])


class Own(np.ndarray):
    """A subclass with arithmetic of its own."""

    def __array_ufunc__(self, *arguments, **options):
        raise AssertionError("arithmetic of a subclass was used")


def mapped(array, folder):
    path = folder / "array.npy"
    np.save(path, array)
    return np.load(path, mmap_mode="r")


MAKERS = {
    "matrix": lambda array, folder: np.asmatrix(array) if array.ndim == 2 else array,
    "memmap": mapped,
    "own": lambda array, folder: array.view(Own),
}

DOORS = {
    "Affine": lambda x: layers.Affine(W, W[0]).forward(x),
    "MatMul": lambda x: layers.MatMul(W).forward(x),
    "Relu": lambda x: layers.Relu().forward(x),
    "Sigmoid": lambda x: layers.Sigmoid().forward(x),
    "Tanh": lambda x: layers.Tanh().forward(x),
    "Softmax": lambda x: layers.Softmax().forward(x),
    "RNN": lambda x: layers.RNN(W, W[:3], W[0]).forward(x, np.zeros((4, 3), "float32")),
    "a gradient": lambda x: relu_after(X).backward(x),
    "SoftmaxWithLoss": lambda x: layers.SoftmaxWithLoss().forward(x, T),
    "IdentityWithLoss": lambda x: layers.IdentityWithLoss().forward(x, X),
    "a target": lambda x: layers.IdentityWithLoss().forward(X, x),
    "sigmoid": xpnet.sigmoid,
    "softmax": xpnet.softmax,
    "weights": lambda x: layers.Affine(x.T, X[:, 0]).forward(X),
    "predict": lambda x: net().predict(x),
    "a list of rows": lambda x: net().predict(list(x)),
    "gradient": lambda x: net().gradient(x, T)["W1"],
    "accuracy": lambda x: np.array(net().accuracy(x, T)),
    "fit": lambda x: fitted(x).params["W1"],
    "params": lambda x: assigned(x),
    "update": lambda x: updated(x),
    "asarray": xpnet.asarray,
    "to_numpy": xpnet.to_numpy,
}


def net():
    return TwoLayerNet(6, 5, 3, weight_init_std=0.5, seed=0)


def relu_after(x):
    layer = layers.Relu()
    layer.forward(x)
    return layer


def fitted(x):
    made = net()
    made.fit(x, T, seed=0, verbose=False)
    return made


def assigned(x):
    made = Sequential([layers.Affine(X, X[0])])
    made.params["W1"] = x
    return made.params["W1"]


def updated(x):
    params = {"W": X.copy()}
    SGD(lr=0.1).update(params, {"W": x})
    return params["W"]


@pytest.fixture(params=["numpy", "numba"])
def host(request):
    with xpnet.using(request.param) as chosen:
        yield chosen


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize("kind", ["matrix", "memmap", "own"])
def test_a_subclass_is_computed_as_a_plain_array(kind, door, host, tmp_path):
    expected = door(X)
    given = MAKERS[kind](X, tmp_path)
    result = door(given)
    assert type(result) in (np.ndarray, np.float32, np.float64)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("mask", [False, True], ids=["no gap", "a gap"])
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_masked_array_is_refused_before_and_after_a_plain_call(door, mask, host):
    masked = np.ma.masked_array(X, mask=np.zeros_like(X, bool))
    masked[1, 2] = np.ma.masked if mask else 0
    for _ in range(2):
        with pytest.raises(TypeError, match="masked arrays are not accepted; fill the gaps first"):
            door(masked)
        door(X)


def test_labels(host, tmp_path):
    expected = float(net().loss(X, T))
    assert float(net().loss(X, mapped(T, tmp_path))) == expected
    with pytest.raises(TypeError, match="masked arrays are not accepted"):
        net().loss(X, np.ma.masked_equal(T, 1))
    with pytest.raises(TypeError, match="masked arrays are not accepted"):
        xpnet.cross_entropy_error(X, np.ma.masked_equal(T, 1))


def test_operations_themselves_refuse_what_has_arithmetic_of_its_own(host):
    for _ in range(2):
        with pytest.raises(TypeError, match="MatMul: a: a numpy.matrix multiplies by rules of its own"):
            matmul(np.asmatrix(X), W)
        with pytest.raises(TypeError, match="MatMul: a: masked arrays are not accepted"):
            matmul(np.ma.masked_greater(X, 1), W)
        matmul(X, W)


def test_a_read_only_parameter_is_said():
    W = np.zeros((2, 2))
    W.flags.writeable = False
    with pytest.raises(TypeError, match="'W' is read-only, so that no step can change it; give a copy"):
        SGD().update({"W": W}, {"W": np.ones((2, 2))})
