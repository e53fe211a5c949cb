"""A net of layers in a row that ends in a loss: predict, loss, gradient, accuracy, fit, save."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from xpnet import _backends
from xpnet._backends import Backend
from xpnet.layers import Layer, LossLayer
from xpnet.nets._chain import Chain
from xpnet.nets._compiled_forward import CompiledForward
from xpnet.nets._door import Door
from xpnet.nets._moving import checked_dtype, move
from xpnet.nets._params import named_cells
from xpnet.nets._scores import accuracy_of
from xpnet.training import fit
from xpnet_kernels import _dispatch
from xpnet_kernels._arrays import Array, cast, namespace


class Sequential(Door, Chain):
    """Layers in a row, with a loss last.

    Parameters
    ----------
    layers : list of Layer, or dict of str to Layer
        Without names they are called `Affine1`, `Relu1`, `Affine2`, ... The net takes copies of their arrays.
    loss : LossLayer, optional
        `SoftmaxWithLoss()` by default.
    weight_decay_lambda : float, optional
        λ of the penalty ½ λ Σ W² over all matrices, part of the loss.
    dtype : dtype, optional
        `"float32"` (default) or `"float64"`: what parameters and inputs are converted to.

    Attributes
    ----------
    layers : dict of str to Layer
        May be changed; the net follows. A layer put in later keeps its arrays, uncopied, as they are.
    lastLayer : LossLayer
    params : Params
        Every parameter by name: `W1`, `b1`, ...
    backend : Backend
        Where the parameters live and what serves them.
    input_range : (low, high) or None
        The raw values that become 0 and 1; see `Door.input_range`.
    classes_ : array (C,) of text, or None
        The names of the classes; see `Door.classes_`.

    Raises
    ------
    TypeError
        If a layer is no layer, or the loss no loss.
    ValueError
        If there is no layer, one stands twice, or an option is out of range.
    """

    def __init__(
        self,
        layers: Iterable[Layer] | Mapping[str, Layer],
        loss: LossLayer | None = None,
        weight_decay_lambda: float = 0.0,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(layers, loss, weight_decay_lambda)
        self.dtype = checked_dtype(dtype)
        self._pinned: Backend | None = None
        self._compiled = CompiledForward()
        for cell in self.params.cells.values():
            cell.data = namespace(cell.data).asarray(cell.data, copy=True)
        self._move(_backends.current())

    def __repr__(self) -> str:
        rows = [f"  {name}: {layer}" for name, layer in self.layers.items()]
        head = f"{type(self).__name__} on {self.backend.name}, {self.dtype}"
        return "\n".join([head, *rows, f"  loss: {type(self.lastLayer).__name__}"])

    @property
    def backend(self) -> Backend:
        """The backend that `to` put the net on; else its arrays' device, served as the switch says."""
        if self._pinned is not None:
            return self._pinned
        for cell in named_cells(self.layers.values()).values():
            return _backends.of_arrays(cell.data)
        return _backends.current()

    def to(self, backend: str | Backend | None = None, dtype: Any = None) -> Sequential:
        """Move the net, its gradients and its optimizers' state; return the net.

        Parameters
        ----------
        backend : str or Backend, optional
            See `xpnet.use`. The net stays there whatever the switch says later.
        dtype : dtype, optional
            `"float32"` or `"float64"`.

        Raises
        ------
        ValueError, BackendUnavailableError
            As `xpnet.use`; the net stays as it was.
        DeviceMemoryError
            If the device has too little memory; the net stays as it was, where it was.
        """
        target = self.backend if backend is None else _backends.find(backend)
        before = self.dtype, self._pinned
        if dtype is not None:
            self.dtype = checked_dtype(dtype)
        if backend is not None:
            self._pinned = target
        try:
            self._move(target)
        except BaseException:
            self.dtype, self._pinned = before
            raise
        return self

    def _move(self, backend: Backend) -> None:
        move([*self.layers.values(), self.lastLayer], backend, self.dtype)

    def copy(self, dtype: Any = None) -> Sequential:
        """Return a net of the same layers and values that shares no array with this one.

        Parameters
        ----------
        dtype : dtype, optional
            `"float32"` or `"float64"`; by default this net's own.
        """
        twin = copy.deepcopy(self)
        return twin if dtype is None else twin.to(dtype=dtype)

    def predict(self, x: Any) -> Array:
        """Return the last layer's output (logits) for a batch.

        Stacks of Affine and ReLU, sigmoid or tanh go through compiled code on the CPU, which leaves nothing
        for a `backward` of the layers; `gradient` makes its own pass.

        Parameters
        ----------
        x : array (N, D) of any family, or (N, ...) or (D,) for an Affine first layer
            Integers are raw values, scaled by `input_range`; anything else is converted to the net's dtype.

        Returns
        -------
        array (N, C), or (C,) for a single sample, on the net's device
        """
        y = self._compiled.logits(self, x)
        if y is not None:
            return y
        with self.one_at_a_time, _dispatch.serving(self.backend.engines):
            return self.forward(self.input(x), training=False)

    def loss(self, x: Any, t: Any, training: bool = False) -> Array:
        """Return the mean loss of a batch, weight decay included.

        Parameters
        ----------
        x : array (N, D)
        t : array (N,) of class indices, or (N, C) one-hot
        training : bool, optional
            Whether Dropout drops. The layers then remember the pass on every path, for a `backward` of
            theirs; else only where `predict` goes layer by layer.

        Returns
        -------
        array () or NumPy scalar, on the net's device
        """
        if training:
            self.choose_range_of_batch(x)
        with self.one_at_a_time, _dispatch.serving(self.backend.engines):
            y = None if training else self._compiled.logits(self, x)
            if y is None:
                y = self.forward(self.input(x), training)
            return self.loss_of(y, self.target(t, x))

    def gradient(self, x: Any, t: Any, training: bool = True) -> dict[str, Array]:
        """Return the gradient of the loss for every parameter, by back-propagation.

        Parameters
        ----------
        x, t, training
            As for `loss`; Dropout drops by default.

        Returns
        -------
        dict of str to array
            Keyed like `params`.
        """
        self.choose_range_of_batch(x)
        with self.one_at_a_time, _dispatch.serving(self.backend.engines):
            self.loss_of(self.forward(self.input(x), training), self.target(t, x))
            return self.backward()

    def numerical_gradient(self, x: Any, t: Any) -> dict[str, Array]:
        """Return the gradient by central differences, Dropout off; slow, for checking `gradient`.

        The differences are taken in a float64 twin: in float32 they would be all rounding.
        """
        from xpnet.gradients import by_differences

        twin = self.copy(dtype="float64")
        found = by_differences(twin, twin.input(x), twin.target(t, x))
        return {name: cast(gradient, self.dtype) for name, gradient in found.items()}

    def accuracy(self, x: Any, t: Any) -> float:
        """Return the share of samples whose predicted class is right.

        Parameters
        ----------
        x : array (N, D)
        t : array (N,) of class indices, or (N, C) one-hot

        Raises
        ------
        TypeError
            If the net's loss is not one of a classifier.
        ValueError
            If the batch is empty, the labels do not fit, or the net's output is NaN, which means no class.
        """
        return accuracy_of(self, x, t)

    fit = fit

    def save(self, path: str | Path) -> None:
        """Write the net to one safetensors file; see `xpnet.checkpoint.save`."""
        from xpnet.checkpoint import save

        save(self, path)

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments besides the layers, for a saved file."""
        return {"weight_decay_lambda": self.weight_decay_lambda}
