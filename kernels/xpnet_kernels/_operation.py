"""An operation: its reference, its samples, and every implementation, under one name.

    @operation(layer="Relu")
    def relu(xp, x): ...                     # the reference, in plain array-API calls: the specification

    @relu.samples
    def _(rng, dtype): yield Sample((x,))    # inputs that tests and benchmarks walk

    @relu.implementation("numba")
    def relu_numba(x): ...                   # serves NumPy arrays while kernels are on

Positional arguments are arrays (or `None`), options are keyword-only Python values.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xpnet_kernels import _dispatch
from xpnet_kernels._arrays import Array, common_family
from xpnet_kernels._compiler import NoCompilerError
from xpnet_kernels._scalars import unboxed

_KERNEL_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


@dataclass(frozen=True)
class Sample:
    """One call of an operation: its arrays as NumPy arrays, and its options."""

    arrays: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Implementation:
    """A function that computes an operation on one engine.

    Attributes
    ----------
    engine : str
        `"numba"` (NumPy arrays) or `"numba-cuda"` (CuPy arrays).
    variant : str
        Tells two implementations on one engine apart, e.g. `"blas"` and `"tiled"`.
    function : callable
        Takes the operation's arrays and options.
    obstacle : callable, optional
        Takes the same, and returns why the function cannot compute that call, or None if it can.
    """

    engine: str
    variant: str
    function: Callable[..., Any]
    obstacle: Obstacle | None = None


Samples = Callable[[np.random.Generator, Any], Iterator[Sample]]
Obstacle = Callable[..., str | None]

registry: dict[str, Operation] = {}
"""Every operation by name, in the order of definition."""


class Operation:
    """A named operation; calling it dispatches on its arrays.

    Attributes
    ----------
    name, title : str
        The function's name, and the layer's name that errors use.
    reference : callable
        `reference(xp, *arrays, **options)`.
    same_shape : bool
        Whether all arrays must have one shape; kernels would read beyond a smaller one.
    check : callable, optional
        Takes the arrays, and raises ValueError where shapes that differ do not fit.
    implementations : list of Implementation
        The first one of an engine that can compute a call serves it; the others are measured beside it.
    """

    def __init__(
        self,
        reference: Callable[..., Any],
        title: str,
        same_shape: bool = False,
        check: Callable[..., None] | None = None,
    ) -> None:
        self.reference = reference
        self.same_shape, self.check = same_shape, check
        self.name = reference.__name__
        self.title = title
        self.implementations: list[Implementation] = []
        self._serving: dict[str, list[Implementation]] = {}
        self._sample_source: Samples | None = None
        self._names = tuple(
            name
            for name, parameter in list(inspect.signature(reference).parameters.items())[1:]
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.VAR_POSITIONAL)
        )
        self.__doc__ = reference.__doc__

    def __repr__(self) -> str:
        return f"<operation {self.name}({', '.join(self._names)})>"

    def __call__(self, *arrays: Array, **options: Any) -> Any:
        """Compute the operation where its arrays live.

        What is made of a NumPy array without axes is a NumPy scalar, as in NumPy's own functions; arrays
        given as `out` stay arrays.

        Raises
        ------
        DeviceMismatchError
            If the arrays belong to more than one family.
        ValueError
            If the arrays' shapes do not fit each other.
        """
        family = common_family(self.title, self._names, arrays)
        if self.same_shape:
            self._check_shapes(arrays)
        elif self.check is not None:
            self.check(*arrays)
        kernel, serving = None, self._serving.get(_dispatch.current().get(family.name, "reference"))
        if serving is not None and _kernels_take(arrays):
            for implementation in serving:
                if implementation.obstacle is None or implementation.obstacle(*arrays, **options) is None:
                    kernel = implementation.function
                    break
        if kernel is None:
            result = self.reference(family.xp, *arrays, **options)
        else:
            try:
                result = kernel(*arrays, **options)
            except NoCompilerError:  # a warning has said so; no array was changed before
                result = self.reference(family.xp, *arrays, **options)
        first = arrays[0]
        return result if first is None or first.ndim or "out" in options else unboxed(result)

    def _check_shapes(self, arrays: tuple[Array, ...]) -> None:
        shape = arrays[0].shape
        for index, array in enumerate(arrays):
            if array.shape != shape:
                raise ValueError(
                    f"{self.title}: {self._names[0]} is {tuple(shape)} but {self._names[index]} is "
                    f"{tuple(array.shape)}; they must be equal."
                )

    def implementation(
        self, engine: str, variant: str = "kernel", obstacle: Obstacle | None = None
    ) -> Callable[[Any], Any]:
        """Register a function as this operation on `engine`; the first that can compute a call serves it."""

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            made = Implementation(engine, variant, function, obstacle)
            self.implementations.append(made)
            self._serving.setdefault(engine, []).append(made)
            return function

        return register

    def samples(self, source: Samples) -> Samples:
        """Register the generator of sample inputs, `source(rng, dtype)`."""
        self._sample_source = source
        return source

    def sample_inputs(self, rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
        """Yield sample inputs whose floating-point arrays have `dtype`."""
        if self._sample_source is None:
            raise ValueError(f"operation {self.name} has no samples; add them with @{self.name}.samples")
        yield from self._sample_source(rng, np.dtype(dtype))


def _kernels_take(arrays: tuple[Array, ...]) -> bool:
    """Return whether the floating-point arrays share one dtype that the kernels are written for.

    Half precision is served by the reference, and so are integers alone and mixed dtypes, which widen as the
    array library widens them. Beside floating point, integers and booleans are labels, masks and pixels.
    """
    found = None
    for array in arrays:
        if array is None:
            continue
        dtype = array.dtype
        if dtype is found or dtype.kind in "biu":
            continue
        if found is None:
            if dtype not in _KERNEL_DTYPES:
                return False
            found = dtype
        elif dtype != found:
            return False
    return found is not None


def operation(
    layer: str | None = None, *, same_shape: bool = False, check: Callable[..., None] | None = None
) -> Callable[[Callable[..., Any]], Operation]:
    """Make an operation of a reference function and add it to the registry.

    Parameters
    ----------
    layer : str, optional
        The name that errors use; the function's own name by default.
    same_shape : bool, optional
        Whether all arrays must have one shape.
    check : callable, optional
        Where shapes differ: takes the arrays, and raises ValueError where they do not fit.
    """

    def register(reference: Callable[..., Any]) -> Operation:
        made = Operation(reference, layer or reference.__name__, same_shape, check)
        if made.name in registry:
            raise ValueError(f"an operation named {made.name} exists already")
        registry[made.name] = made
        return made

    return register
