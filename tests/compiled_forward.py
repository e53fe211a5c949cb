"""A net whose `predict` is compiled, and what the layers give in its place."""

import numpy as np

from xpnet.nets import TwoLayerNet

RNG = np.random.default_rng(8)
X, T = RNG.normal(size=(9, 6)).astype("float32"), RNG.integers(0, 3, 9)


def made(**options):
    return TwoLayerNet(6, 4, 3, weight_init_std=1.0, seed=1, **options)


def by_layers(net, x):
    """The logits by the layers, one after the other, in float64 on the reference."""
    twin = net.copy(dtype="float64").to("numpy")
    return twin.forward(twin.input(x), training=False)


def is_compiled(net, x=X):
    """Whether `predict` leaves the layers alone."""
    net.forward(net.input(x), training=False)
    net.predict(x)
    return "x" not in vars(next(iter(net.layers.values())))


def agrees(net, x=X):
    """Whether `predict` is compiled and gives what the layers give now, one sample and many."""
    tolerance = 1e-5 if net.dtype == np.float32 else 1e-12
    assert is_compiled(net, x)
    for batch in (x, x[:1]):
        expected = by_layers(net, batch)
        y = net.predict(batch)
        assert y.dtype == net.dtype
        assert y.shape == expected.shape
        if not np.allclose(y, expected, rtol=tolerance, atol=tolerance):
            return False
    return True
