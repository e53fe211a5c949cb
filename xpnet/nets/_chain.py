"""Layers in a row and a loss: one pass forward and one back, on arrays of the net's device and dtype."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from xpnet._numbers import check_not_negative
from xpnet.layers import Affine, Layer, LossLayer, SoftmaxWithLoss
from xpnet.layers._base import has_own_methods
from xpnet.layers.affine_relu import AffineRelu, fuse, is_plain
from xpnet.nets._params import Params, named_cells
from xpnet_kernels import weight_penalty, weight_penalty_backward
from xpnet_kernels._arrays import Array


class OneAtATime:
    """A lock that a copy of its owner does not share: the layers remember one pass at a time."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exception: object) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type[OneAtATime], tuple[()]]:
        return OneAtATime, ()


class Chain:
    """What a net computes; `Sequential` adds what a user passes in and gets out.

    Parameters
    ----------
    layers : list of Layer, or dict of str to Layer
    loss : LossLayer, optional
    weight_decay_lambda : float, optional
        See `Sequential`.
    """

    def __init__(
        self,
        layers: Iterable[Layer] | Mapping[str, Layer],
        loss: LossLayer | None = None,
        weight_decay_lambda: float = 0.0,
    ) -> None:
        self.layers = dict(layers) if isinstance(layers, Mapping) else _named(layers)
        self.lastLayer = SoftmaxWithLoss() if loss is None else loss  # the book's name
        check_not_negative(type(self).__name__, weight_decay_lambda=weight_decay_lambda)
        self.weight_decay_lambda = float(weight_decay_lambda)
        self._staged: list[tuple[Layer, bool]] = []
        self._stages: list[Layer] = []
        self.one_at_a_time = OneAtATime()
        _check_layers(self.layers, self.lastLayer)

    @property
    def params(self) -> Params:
        """Every parameter by name."""
        return Params(named_cells(self.layers.values()))

    def forward(self, x: Array, training: bool) -> Array:
        """Send a batch of the net's device and dtype through the layers."""
        layers = list(self.layers.values())
        staged = [(layer, has_own_methods(layer)) for layer in layers]
        if staged != self._staged:
            self._staged, self._stages = staged, fuse(layers)
        for layer in layers:
            layer.training = training
        try:
            for stage in self._stages:
                x = stage.forward(x)
                if x is None:
                    raise _nothing_returned(stage, "forward", "the output")
        except Exception as error:
            error.add_note(f"in forward of layer {_name_of(stage, self.layers)!r}")
            raise
        return x

    def loss_of(self, y: Array, t: Array, validate: bool = True) -> Array:
        """Return the loss of the layers' output, weight decay included."""
        loss = self.lastLayer.forward(y, t, validate=validate)
        if self.weight_decay_lambda:
            for W in self._decaying().values():
                loss = loss + weight_penalty(W, weight_decay=float(self.weight_decay_lambda))
        return loss

    def backward(self) -> dict[str, Array]:
        """Go back through the layers after `forward` and `loss_of`; return all gradients."""
        dout = self.lastLayer.backward()
        try:
            for stage in reversed(self._stages[1:]):
                dout = stage.backward(dout)
                if dout is None:
                    raise _nothing_returned(stage, "backward", "dL/d(input)")
            for stage in self._stages[:1]:
                # Nobody wants dL/dx of the data; a layer of a user's own may do more in its backward.
                if type(stage) is AffineRelu or is_plain(stage, Affine):
                    stage.backward_to_parameters(dout)
                else:
                    stage.backward(dout)
        except Exception as error:
            error.add_note(f"in backward of layer {_name_of(stage, self.layers)!r}")
            raise
        cells = named_cells(self.layers.values())
        if any(cell.grad is None for cell in cells.values()):
            raise _no_gradient(self.layers)
        if self.weight_decay_lambda:
            for name, W in self._decaying().items():
                cells[name].grad = self._with_decay(name, cells[name].grad, W)
        return {name: cell.grad for name, cell in cells.items()}

    def _with_decay(self, name: str, gradient: Array, W: Array) -> Array:
        try:
            return weight_penalty_backward(gradient, W, weight_decay=float(self.weight_decay_lambda))
        except ValueError as error:
            error.add_note(f"in weight decay of the parameter {name!r}")
            raise

    def _decaying(self) -> dict[str, Array]:
        return {name: array for name, array in self.params.items() if array.ndim > 1}


def _named(layers: Iterable[Layer]) -> dict[str, Layer]:
    """Name layers by kind and number: Affine1, Relu1, Affine2."""
    named: dict[str, Layer] = {}
    counts: dict[str, int] = {}
    for layer in layers:
        kind = type(layer).__name__
        counts[kind] = counts.get(kind, 0) + 1
        named[f"{kind}{counts[kind]}"] = layer
    return named


def _name_of(stage: Layer, layers: Mapping[str, Layer]) -> str:
    """Return a stage's name in the net; a fused one has that of its first layer."""
    layer = stage.affine if isinstance(stage, AffineRelu) else stage
    return next((name for name, own in layers.items() if own is layer), type(layer).__name__)


def _nothing_returned(stage: Layer, method: str, what: str) -> TypeError:
    """Return the error that a layer's method returned None."""
    return TypeError(f"{type(stage).__name__}.{method} returned None; it must return {what}")


def _no_gradient(layers: Mapping[str, Layer]) -> RuntimeError:
    """Return the error that a layer's backward left no gradient for one of its parameters."""
    name, layer, missing = next(
        (name, layer, key)
        for name, layer in layers.items()
        for key, cell in layer.parameters.items()
        if cell.grad is None
    )
    kind = type(layer).__name__
    return RuntimeError(
        f"layer {name!r}: {kind}.backward left no gradient for its parameter {missing!r}; declare "
        f"d{missing} = GradientOf({missing!r}) in the class, and set self.d{missing} in backward"
    )


def _check_layers(layers: Mapping[str, Layer], loss: LossLayer) -> None:
    """Raise TypeError or ValueError unless each layer is one, stands once, and the loss is a loss."""
    if not layers:
        raise ValueError("the net has no layers; give at least one, e.g. Sequential([Affine(W, b)])")
    for name, layer in layers.items():
        if not isinstance(layer, Layer) or isinstance(layer, LossLayer):
            raise TypeError(
                f"layer {name!r} is {layer!r}; it must be a Layer (derive yours from xpnet.layers.Layer), "
                "given as an instance, and the loss apart, as loss=..."
            )
        if "parameters" not in vars(layer):
            raise TypeError(f"layer {name!r} has no parameters; call super().__init__() in its __init__")
    if not isinstance(loss, LossLayer):
        raise TypeError(f"loss is {loss!r}; it must be a loss layer, given as an instance: SoftmaxWithLoss()")
    if len({id(layer) for layer in layers.values()}) < len(layers):
        raise ValueError("one layer stands twice in the net; give each place a layer of its own")
    cells = [cell for layer in layers.values() for cell in layer.parameters.values()]
    if len({id(cell) for cell in cells}) < len(cells):
        raise ValueError(
            "one Parameter stands twice in the net, where each place would overwrite the other's gradient; "
            "give each a Parameter of its own"
        )
