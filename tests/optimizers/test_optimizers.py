import copy
import pickle

import numpy as np
import pytest
from stand_ins import check

import xpnet
from xpnet import optimizers
from xpnet.optimizers import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop

START = [[1.0, -2.0, 0.5], [3.0, 0.25, -1.5]]
OPTIMUM = np.array([[0.0, 1, 2], [3, 4, 5]])
CURVATURE = np.array([[1.0, 2, 3], [4, 5, 6]])

# Ten steps of PyTorch 2.13 in float64 on ½ Σ curvature (W - optimum)²: torch.optim.SGD (momentum, nesterov),
# Adagrad, RMSprop (alpha 0.99) and Adam, all with lr 0.05 and PyTorch's own eps.
PYTORCH = {
    SGD: [
        [0.5987369392383789, -0.046035320300000016, 1.7046883934889159],
        [3.0, 3.7888243198394775, 4.8163910881500005],
    ],
    Momentum: [
        [-0.31092291066962896, 2.7663681664000004, 2.5561879594421386],
        [3.0, 2.7154936310052484, 1.420740763199999],
    ],
    Nesterov: [
        [-0.2619924533824272, 2.039734514937181, 2.1954149566353034],
        [3.0, 3.536879032183338, 4.266206955648527],
    ],
    AdaGrad: [
        [0.7619897237680429, -1.753092978921734, 0.7425613927350903],
        [3.0, 0.4977516936405409, -1.2508372598712805],
    ],
    RMSprop: [
        [0.0026320411425468848, 0.023424114011063202, 1.9267491521500615],
        [3.0, 2.390263021233665, 0.8223409470085692],
    ],
    Adam: [
        [0.5122934228839264, -1.503080008838738, 0.9929057949009411],
        [3.0, 0.7476035843855897, -1.0013194234569671],
    ],
}


def ten_steps(optimizer, W, as_array=np.asarray):
    params = {"W": W}
    for _ in range(10):
        optimizer.update(params, {"W": as_array(CURVATURE * (xpnet.to_numpy(params["W"]) - OPTIMUM))})
    return params["W"]


@pytest.mark.parametrize("kind", PYTORCH)
def test_ten_steps_are_pytorchs(kind, backend):
    W = backend.asarray(np.array(START))
    check(ten_steps(kind(lr=0.05), W, backend.asarray), PYTORCH[kind], backend, rtol=1e-13)
    check(W, PYTORCH[kind], backend, rtol=1e-13)  # in place: whoever holds the array sees the step


@pytest.mark.parametrize("kind", PYTORCH)
def test_float32_stays_float32(kind, backend):
    gradient = lambda values: backend.asarray(values, "float32")  # noqa: E731
    W = ten_steps(kind(lr=0.05), backend.asarray(np.array(START), "float32"), gradient)
    check(W, PYTORCH[kind], backend, dtype="float32", rtol=2e-5)


def test_every_optimizer_has_figures():
    assert {kind.__name__.lower() for kind in PYTORCH} == set(optimizers.names())


def test_first_step_of_the_books_adam_differs_only_by_eps():
    """The book adds its eps to √v, the paper to √v̂: 1e-7 there is 1e-7 / √(1 - β2) here."""
    W, grad = np.array([1.0]), np.array([0.5])
    m, v = 0.1 * grad, 0.001 * grad**2
    lr = 0.01 * np.sqrt(1 - 0.999) / (1 - 0.9)
    book = W - lr * m / (np.sqrt(v) + 1e-7)
    params = {"W": W.copy()}
    Adam(lr=0.01, eps=1e-7 / np.sqrt(1 - 0.999)).update(params, {"W": grad})
    np.testing.assert_allclose(params["W"], book, rtol=1e-14)


@pytest.mark.parametrize("kind", [SGD, Momentum, Adam])
def test_a_net_and_a_dict_take_the_same_steps(kind):
    net = xpnet.nets.TwoLayerNet(4, 3, 2, seed=0, dtype="float64")
    arrays = {name: array.copy() for name, array in net.params.items()}
    grads = {name: np.ones_like(array) for name, array in arrays.items()}
    for_net, for_dict = kind(), kind()
    for _ in range(3):
        for_net.update(net.params, grads)
        for_dict.update(arrays, grads)
    for name, array in arrays.items():
        np.testing.assert_array_equal(net.params[name], array)


def test_two_optimizers_do_not_share_their_velocity():
    net = xpnet.nets.TwoLayerNet(4, 3, 2, seed=0)
    grads = {name: np.ones_like(array) for name, array in net.params.items()}
    first, second = Momentum(lr=0.1), Momentum(lr=0.1)
    first.update(net.params, grads)
    before = net.params["b2"].copy()
    second.update(net.params, grads)
    np.testing.assert_allclose(net.params["b2"], before - 0.1, rtol=1e-6)


def test_the_state_of_a_dead_optimizer_is_freed():
    net = xpnet.nets.TwoLayerNet(4, 3, 2, seed=0)
    optimizer = Adam()
    optimizer.update(net.params, {name: np.ones_like(array) for name, array in net.params.items()})
    assert len(net.params.cells["W1"].state) == 1
    del optimizer
    assert len(net.params.cells["W1"].state) == 0


def test_missing_and_misshapen_gradients_change_nothing():
    params = {"W": np.ones(3), "b": np.ones(2)}
    with pytest.raises(KeyError, match="no gradient for parameter 'b'"):
        SGD().update(params, {"W": np.ones(3)})
    with pytest.raises(ValueError, match=r"gradient of 'b' is \(3,\) but the parameter is \(2,\)"):
        SGD().update(params, {"W": np.ones(3), "b": np.ones(3)})
    np.testing.assert_array_equal(params["W"], np.ones(3))


def test_a_parameter_that_is_not_contiguous_is_updated_too(backend):
    if backend.family != "numpy":
        pytest.skip("strides are NumPy's and CuPy's")
    whole = np.array(START)
    params = {"W": whole[:, ::2]}
    SGD(lr=0.1).update(params, {"W": np.ones((2, 2))})
    np.testing.assert_allclose(params["W"], np.array(START)[:, ::2] - 0.1)


def test_a_parameter_that_is_replaced_by_another_shape_starts_anew():
    optimizer, params = Adam(), {"a": np.zeros(3)}
    optimizer.update(params, {"a": np.ones(3)})
    params["a"] = np.zeros(200_000)
    optimizer.update(params, {"a": np.ones(200_000)})
    np.testing.assert_allclose(params["a"], params["a"][0])


def test_numbers_are_parameters_too_as_in_the_books_comparison():
    params = {"x": -7.0, "y": np.float64(2.0)}
    optimizer = Momentum(lr=0.1)
    for _ in range(2):
        optimizer.update(params, {"x": params["x"] / 10, "y": 2 * params["y"]})
    assert params["x"] == pytest.approx(-7 + 0.07 + (0.9 * 0.07 + 0.0693))
    assert params["y"] == pytest.approx(2 - 0.4 + (-0.9 * 0.4 - 0.32))


def test_lists_as_gradients_and_integers_as_parameters():
    params = {"x": np.array([1.0, 2.0])}
    SGD(lr=1).update(params, {"x": [1, 1]})
    assert params["x"].tolist() == [0, 1]
    with pytest.raises(TypeError, match=r"parameter 'x' is int64; make it floating point"):
        SGD().update({"x": np.array([3, 4])}, {"x": np.ones(2)})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(lr=0), r"SGD: lr is 0; it must be a finite number above 0"),
        (lambda: SGD(lr=float("nan")), "lr is nan"),
        (lambda: SGD(lr="fast"), "lr is 'fast'"),
        (lambda: Momentum(momentum=1), r"momentum is 1; it must be at least 0 and below 1"),
        (lambda: RMSprop(decay=-0.1), r"decay is -0\.1"),
        (lambda: AdaGrad(eps=0), "eps is 0"),
        (lambda: optimizers.by_name("sdg"), r"unknown optimizer 'sdg'; choose one of sgd, momentum"),
    ],
)
def test_wrong_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_repr_is_the_call():
    assert repr(optimizers.by_name("Momentum", lr=0.5)) == "Momentum(lr=0.5, momentum=0.9)"


@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_begins_anew(twin):
    adam = xpnet.optimizers.Adam(lr=0.02)
    net = xpnet.nets.TwoLayerNet(6, 4, 3)
    net.fit(np.zeros((9, 6)), np.zeros(9, int), batch_size=3, optimizer=adam, verbose=False)
    assert adam.steps == 3
    assert twin(adam).steps == 0
    assert repr(twin(adam)) == repr(adam)


@pytest.mark.parametrize("name", xpnet.optimizers.names())
def test_numbers_of_numpys_do_not_widen_a_step(name, backend):
    net = xpnet.nets.MultiLayerNet(6, [4], 3, weight_decay_lambda=0.1)
    optimizer = xpnet.optimizers.by_name(name)
    optimizer.lr, net.weight_decay_lambda = np.float64(0.01), np.float64(0.1)
    x, t = np.ones((5, 6)), np.zeros(5, int)
    assert "float32" in str(net.loss(x, t).dtype)
    gradients = net.gradient(x, t)
    optimizer.update(net.params, gradients)
    kept = [*net.params.values(), *gradients.values()]
    kept += [array for cell in net.params.cells.values() for array in optimizer.state_of(cell).values()]
    assert all("float32" in str(array.dtype) for array in kept)
