"""From input to logits on the CPU, in one of three ways by the amount of work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array, as_taken
from xpnet_kernels._simd_list import MOST_PLACES, PLACE
from xpnet_kernels.mlp_epoch.phases import CODES, NONE
from xpnet_kernels.mlp_forward.blocks import forward_in_blocks
from xpnet_kernels.mlp_forward.rows import finish_rows, forward_rows

ROW_BY_ROW = 100_000
"""Up to so many multiplications a batch goes row by row; beyond, each row would read W again."""

IN_BLOCKS = 512
"""From so many rows on, copying W into whole tiles pays."""


def forward_on_cpu(x: Array, *arrays: Array, activations: Sequence[str]) -> Array:
    """Send a batch through every layer; see `mlp_forward`."""
    return Forward(arrays, activations).logits(as_taken(x))


class Forward:
    """A net's arrays, made ready for batch after batch; changes made in them in place are seen.

    Parameters
    ----------
    arrays : sequence of array
        W1, b1, W2, b2, ..., of one dtype, float32 or float64. Their addresses are kept, and so are they.
    activations : sequence of str
        See `mlp_forward`.

    Attributes
    ----------
    dtype : dtype
    inputs : int
        D of the first layer.
    copied : bool
        Whether an array was not contiguous and had to be copied, so that changes are not seen.

    Raises
    ------
    ValueError
        If the shapes do not fit one after the other.
    """

    def __init__(self, arrays: Sequence[Array], activations: Sequence[str]) -> None:
        self.arrays = [np.require(array, requirements=("C", "A")) for array in arrays]
        self.copied = any(mine is not theirs for mine, theirs in zip(self.arrays, arrays, strict=True))
        self.dtype = self.arrays[0].dtype
        self.codes = [*(CODES[name] for name in activations), NONE]
        _check_shapes(self.arrays, len(self.codes))
        Ws, bs = self.arrays[::2], self.arrays[1::2]
        self.inputs, self.outputs = Ws[0].shape[0], bs[-1].shape[0]
        self.weights = sum(W.size for W in Ws)
        self.widest = max(max(W.shape) for W in Ws)
        self._spare: list[Any] = []
        self.layers = np.array(
            [
                (_address(W), _address(b), *W.shape, code)
                for W, b, code in zip(Ws, bs, self.codes, strict=True)
            ],
            dtype=np.int64,
        )

    def logits(self, x: Array) -> Array:
        """Return the logits of a batch.

        Parameters
        ----------
        x : array (N, D), of the parameters' dtype or uint8
            N ≥ 1, and as `as_taken` returns it; neither is checked.

        Returns
        -------
        array (N, C)
        """
        samples = x.shape[0]
        one_by_one = samples == 1 or samples * self.weights <= ROW_BY_ROW
        if one_by_one and self.widest <= MOST_PLACES:
            y = np.empty((samples, self.outputs), self.dtype)
            widest = self.widest
            forward_rows(x, y, self.layers, np.empty(2 * widest, self.dtype), np.empty(widest, PLACE))
            return y
        if samples >= IN_BLOCKS and min(W.size for W in self.arrays[::2]):
            return forward_in_blocks(x, self.arrays, self.codes, self._spare)
        return self._by_blas(x)

    def _by_blas(self, x: Array) -> Array:
        y = x if x.dtype == self.dtype else x.astype(self.dtype) / self.dtype.type(255)
        for W, b, code in zip(self.arrays[::2], self.arrays[1::2], self.codes, strict=True):
            y = np.matmul(y, W)
            finish_rows(y, as_taken(b), code)
        return y


def _address(array: Array) -> int:
    return int(array.__array_interface__["data"][0])


def _check_shapes(arrays: Sequence[Any], layers: int) -> None:
    shapes = [array.shape for array in arrays]
    expected = len(shapes) == 2 * layers and all(
        len(W) == 2 and b == W[1:] and (i == 0 or W[0] == shapes[2 * i - 1][0])
        for i, (W, b) in enumerate(zip(shapes[::2], shapes[1::2], strict=True))
    )
    if not expected:
        raise ValueError(
            f"predict: the parameters are {shapes}; they must be W (D, H) and b (H,) in turn, each D the H "
            f"before it, for {layers} layers."
        )
