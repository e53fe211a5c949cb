"""The door of a net: inputs and targets as users give them become arrays of the net's device and dtype."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from xpnet._backends import Backend
from xpnet._classes import Names, checked_names, indices_of, listed, names_in
from xpnet._edge import real_numbers, to_device, to_input
from xpnet._input_range import AS_GIVEN, PIXELS, InputRange, checked_range, chosen_range, is_raw
from xpnet.layers import Affine, LossLayer, MatMul
from xpnet_kernels._arrays import Array, dtype_name, is_array, namespace, shape_of
from xpnet_kernels._plain import plain


class Door:
    """What users pass to a net: converted once, by the one input range and the one list of classes it has."""

    lastLayer: LossLayer
    dtype: np.dtype[Any]
    backend: Any
    layers: dict[str, Any]
    params: Any

    # Of the class, so that a net pickled before these existed has them too.
    _input_range: InputRange | None = None
    _classes: Names | None = None

    @property
    def input_range(self) -> InputRange | None:
        """The raw values (low, high) that become 0 and 1; they are applied to integers.

        None until the net is trained. The first training data choose it: uint8 by its values (0 and 1 count
        as they are, pixels that reach 128 or more are divided by 255, others by their largest value), other
        integers count as they are, and floating-point numbers that are multiples of 1/255, say, were divided
        by 255. It is saved with the net. Assign a pair of numbers to decide it by hand, or None to have it
        chosen anew. While it is None, bytes are pixels 0..255 and other integers count as they are.
        """
        return self._input_range

    @input_range.setter
    def input_range(self, value: Any) -> None:
        self._input_range = checked_range(value)

    @property
    def classes_(self) -> Names | None:
        """The names of the classes, array (C,) of text; None for a net whose labels are indices.

        `fit` on labels that are text sets it, sorted as `numpy.unique` sorts. It is saved with the net.
        `net.classes_[net.predict(x).argmax(axis=1)]` gives the names of the predicted classes.
        """
        return self._classes

    @classes_.setter
    def classes_(self, names: Any) -> None:
        self._classes = checked_names(names)

    def input(self, x: Any) -> Array:
        """Return inputs on the net's device, in its dtype, scaled."""
        return to_input(self.placed(x), self.dtype)

    def placed(self, x: Any, backend: Backend | None = None) -> Array:
        """Return inputs as a data set is kept on a device: scaled, but pixels as bytes."""
        return to_device(x, backend or self.backend, self.dtype, self._input_range)

    def choose_range(self, x: Any) -> None:
        """Choose the input range from training data, if there is none yet."""
        if self._input_range is None:
            self._input_range = chosen_range(real_numbers("x", x))

    def choose_range_of_batch(self, x: Any) -> None:
        """Choose the input range from a batch of integers that the net is trained on outside `fit`."""
        x = plain(x)
        if self._input_range is not None or (is_array(x) and not is_raw(x)):
            return
        if is_raw(x := real_numbers("x", x)):
            self._input_range = found = chosen_range(x)
            if found is not None and found not in (PIXELS, AS_GIVEN):
                warnings.warn(
                    f"x is {dtype_name(x)} with values up to {found.high:g} in its first batch, and is "
                    f"divided by {found.high:g} from now on; if other batches reach further, set "
                    "net.input_range = (lowest, highest)",
                    stacklevel=4,
                )

    def target(self, t: Any, x: Any = None, backend: Backend | None = None) -> Array:
        """Return targets on the net's device.

        Parameters
        ----------
        t : array, list or number
            Text is looked up in `classes_`.
        x : array, optional
            The inputs as they were given. Where they are integers, numbers to be learned that are integers of
            the same shape (an autoencoder's) are scaled as they are. Without x, they are assumed to be
            integers.
        backend : Backend, optional
            Another device.
        """
        backend = backend or self.backend
        if self.lastLayer.takes_classes:
            return self.lastLayer.to_device(self.labels(t), backend, self.dtype)
        t = real_numbers("t", t)
        if self.scales_target(x, t):
            t = (self._input_range or PIXELS).scaled(backend.asarray(t), self.dtype)
        return self.lastLayer.to_device(t, backend, self.dtype)

    def scales_target(self, x: Any, t: Array) -> bool:
        """Return whether targets are scaled as the inputs are; 0 and 1 are left as they are."""
        x = plain(x)
        if not is_raw(t) or (x is not None and not (is_array(x) and is_raw(x))):
            return False
        if self._input_range == AS_GIVEN or (self._input_range is None and dtype_name(t) != "uint8"):
            return False
        wanted = self.features() if x is None else math.prod(shape_of(x)[1:])
        if not 1 < wanted == math.prod(shape_of(t)[1:]) or (x is not None and len(x) != len(t)):
            return False
        return math.prod(shape_of(t)) > 0 and int(namespace(t).max(t)) > 1

    def features(self) -> int:
        """Return how many numbers the first matrix of weights takes for a sample; 0 without one."""
        matrices = (array for array in self.params.values() if array.ndim == 2)
        return next((int(W.shape[0]) for W in matrices), 0)

    def labels(self, t: Any) -> Any:
        """Return labels as numbers: text as indices into `classes_`, anything else as it is.

        Raises
        ------
        ValueError
            If the labels are text and the net has no names, or not these.
        """
        names = names_in(t) if self.lastLayer.takes_classes else None
        if names is None:
            return t
        if self._classes is None:
            raise ValueError(
                "t holds text, and the net has no classes_ yet; call fit with all labels first, or set "
                "net.classes_ = numpy.unique(all labels)"
            )
        return indices_of(names, self._classes)

    def choose_classes(self, t: Any) -> None:
        """Take the names of the classes from the labels of a data set, if there are none yet."""
        if self._classes is None and self.lastLayer.takes_classes:
            names = names_in(t)
            self._classes = None if names is None else self._fitting(np.unique(names))

    def _fitting(self, names: Names) -> Names:
        """Return the names of classes; raise ValueError if they are more than the net has outputs."""
        *_, last = self.layers.values()
        if type(last) in (Affine, MatMul) and len(names) > last.W.shape[1]:
            raise ValueError(
                f"t holds {len(names)} classes, {listed(names)}, but the net has {last.W.shape[1]} outputs; "
                f"make a net with {len(names)}"
            )
        return names
