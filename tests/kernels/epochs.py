"""Calls of `mlp_epoch` that the persistent kernel can compute."""

import numpy as np


def call(sizes=(32, 5, 3), batch=8, visited=20, pixels=True, labels="int64", samples=30, rates=None):
    """Return the arrays and the options of an epoch; the learning rate differs from step to step."""
    rng = np.random.default_rng(0)
    D, H, C = sizes
    x = rng.integers(0, 256, (samples, D)).astype("uint8")
    arrays = [
        x if pixels else (x / 255).astype("float32"),
        rng.integers(0, C, samples).astype(labels),
        rng.integers(0, samples, visited),
    ]
    arrays += [(0.4 * rng.normal(size=shape)).astype("float32") for shape in ((D, H), (H,), (H, C), (C,))]
    rates = np.linspace(0.05, 0.3, -(-visited // batch)) if rates is None else rates
    options = [{"lr": float(rate)} for rate in rates]
    return arrays, {"activations": ("relu",), "batch_size": batch, "update": "sgd", "options": options}
