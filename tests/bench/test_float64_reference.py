"""The reference is xpnet's own mathematics, and its limits know what rounding does."""

import dataclasses

import numpy as np
import pytest
from engines import gpu_is_usable

import xpnet
from xpnet.bench import reference
from xpnet.bench.case import Case, accuracy, logits


def net_of(case, weights, dtype="float64"):
    net = xpnet.nets.MultiLayerNet(
        case.sizes[0], case.sizes[1:-1], case.sizes[-1], seed=case.seed, dtype=dtype
    )
    for name, array in zip(net.params, weights, strict=True):
        net.params[name] = array
    return net


@pytest.mark.parametrize("sizes", [(64, 20, 10), (64, 10), (64, 30, 20, 10)])
def test_a_step_is_the_nets_gradient(sizes, data):
    case = Case(sizes, 20, lr=0.5)
    weights = [array.astype(np.float64) for array in case.weights()]
    with xpnet.using("numpy"):
        net = net_of(case, weights)
        x, t = data.x[:20].astype(np.float64), data.t[:20]
        loss, grads = net.loss(x, t), net.gradient(x, t)
        np.testing.assert_allclose(logits(weights, x), net.predict(x), rtol=1e-12, atol=1e-12)
        assert accuracy(weights, x, t) == net.accuracy(x, t)
    before = [array.copy() for array in weights]
    assert reference.step(weights, x, t, case.lr) == pytest.approx(float(loss), rel=1e-12)
    for old, new, grad in zip(before, weights, grads.values(), strict=True):
        np.testing.assert_allclose(new, old - 0.5 * grad, rtol=1e-10, atol=1e-14)


def test_the_initial_weights_are_the_nets_own(case):
    with xpnet.using("numpy"):
        net = xpnet.nets.MultiLayerNet(64, [20], 10, seed=case.seed)
    for mine, its in zip(case.weights(), net.params.values(), strict=True):
        assert mine.dtype == its.dtype == np.float32
        np.testing.assert_array_equal(mine, its)


def test_an_epoch_is_what_fit_does_from_the_same_seed(case, data):
    samples = len(data.x)
    expected = reference.expect(case, data, case.weights(), 0, samples)
    assert expected.mean == pytest.approx(np.mean(expected.losses), rel=0.02)
    with xpnet.using("numpy"):
        net = net_of(case, case.weights(), "float32")
        history = net.fit(data.x, data.t, batch_size=case.batch, seed=case.epoch_seed(0), verbose=False)
    assert len(history.loss) == case.steps(samples) == 72
    assert expected.loss_distance(np.array(history.loss)) < expected.loss_limit
    assert expected.weight_distance(list(net.params.values())) < expected.weight_limit
    assert expected.comparable


@pytest.mark.gpu
@pytest.mark.skipif(not gpu_is_usable(), reason="there is no GPU, where CuPy computes the reference")
@pytest.mark.parametrize("tf32", [False, True])
def test_on_a_gpu_it_is_the_same(case, data, tf32):
    import cupy

    case = dataclasses.replace(case, tf32=tf32)
    here, there = (reference.expect(case, data, case.weights(), 0, 300, xp) for xp in (np, cupy))
    np.testing.assert_allclose(there.losses, here.losses, rtol=1e-12)
    for mine, its in zip(there.after, here.after, strict=True):
        assert type(mine) is np.ndarray
        np.testing.assert_allclose(mine, its, rtol=1e-9, atol=1e-12)


def test_the_start_is_not_changed(case, data):
    weights = case.weights()
    reference.expect(case, data, weights, 0, 100)
    for mine, fresh in zip(weights, case.weights(), strict=True):
        np.testing.assert_array_equal(mine, fresh)


def test_the_arithmetic_of_an_epoch():
    case = Case((784, 50, 10), 100)
    assert case.flops(60_000) == 2 * 60_000 * (2 * (784 * 50 + 50 * 10) + 50 * 10)
    assert case.bytes(60_000) == 60_000 * 784 * 4
    assert Case((784, 50, 10), 128).steps(60_000) == 469
