"""Streaming on a GPU itself: the weights are those of data that lie there, and what does not fit is said."""

import numpy as np
import pytest
from engines import gpu_is_usable

import xpnet
from xpnet.nets import TwoLayerNet
from xpnet.training import _data

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not gpu_is_usable(), reason="there is no GPU; test_streaming.py has its double"),
]

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (2070, 64)).astype(np.uint8)
T = PIXELS[:, :10].argmax(axis=1)


@pytest.fixture(autouse=True)
def _small_portions(monkeypatch):
    monkeypatch.setenv("XPNET_DETERMINISTIC", "1")
    monkeypatch.setattr(_data, "PORTION", 2**17)  # several to an epoch, the last one smaller


def trained(x, engine, stream):
    net = TwoLayerNet(64, 50, 10, seed=1).to("numba-cuda")
    history = net.fit(
        x, T, epochs=4, batch_size=20, optimizer="sgd", seed=0, engine=engine, stream=stream, verbose=False
    )
    return history, [xpnet.to_numpy(array) for array in net.params.values()]


@pytest.mark.parametrize("data", ["pixels", "float32"])
@pytest.mark.parametrize("engine", ["layers", "graph", "persistent"])
def test_streamed_data_train_to_the_same_bits(engine, data):
    x = PIXELS if data == "pixels" else (PIXELS / 255).astype("float32")
    (resident, weights), (streamed, others) = (trained(x, engine, stream) for stream in (False, True))
    assert streamed.loss == resident.loss
    for mine, its in zip(others, weights, strict=True):
        np.testing.assert_array_equal(mine, its)


def test_data_beyond_the_memory_allowed_are_streamed_or_refused():
    import cupy

    cupy.get_default_memory_pool().free_all_blocks()
    cupy.get_default_memory_pool().set_limit(size=2**24)
    try:
        x = np.tile((PIXELS / 255).astype("float32"), (40, 1))
        net, t = TwoLayerNet(64, 50, 10, seed=1).to("numba-cuda"), np.tile(T, 40)
        with pytest.raises(xpnet.DeviceMemoryError, match=r"fit, the data: .* MB needed in all, .* free"):
            net.fit(x, t, batch_size=20, stream=False, verbose=False)
        history = net.fit(x, t, batch_size=20, optimizer="sgd", seed=0, verbose=False)
        assert np.isfinite(history.loss).all()
    finally:
        cupy.get_default_memory_pool().set_limit(size=0)
