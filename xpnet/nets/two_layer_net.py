"""The two-layer net (book, volume 1, sections 4.5 and 5.7)."""

from __future__ import annotations

from typing import Any

from xpnet.nets.multi_layer_net import MultiLayerNet


class TwoLayerNet(MultiLayerNet):
    """Affine1, Relu1, Affine2, and SoftmaxWithLoss last.

    Parameters
    ----------
    input_size, hidden_size, output_size : int
        D, H and C.
    weight_init_std : float or str, optional
        Standard deviation of the initial weights; see `MultiLayerNet`.
    seed : int, optional
        Of the initial weights; the same seed gives the same weights on every backend.
    dtype : dtype, optional
        `"float32"` or `"float64"`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float | str = 0.01,
        *,
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(
            input_size, [hidden_size], output_size, weight_init_std=weight_init_std, seed=seed, dtype=dtype
        )
