"""The training loop: the data on the device, epoch after epoch, and what is measured between them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet import _blas
from xpnet._backends import Backend
from xpnet._edge import real_numbers
from xpnet.nets._scores import scores_of
from xpnet.optimizers import SGD, Optimizer, by_name
from xpnet.training._announce import say, where_it_runs
from xpnet.training._compiled import CompiledRun, obstacle
from xpnet.training._epochs import Run, Wishes, train
from xpnet.training._hints import likely_mistakes, scaling
from xpnet.training._layer_by_layer import LayerRun
from xpnet.training._placement import chosen_backend, placed, unchanged_unless_trained
from xpnet.training._ways import EngineError, variants
from xpnet.training.history import Epoch, History
from xpnet_kernels import _dispatch

if TYPE_CHECKING:
    from xpnet.nets.sequential import Sequential

ENGINES = ("auto", "compiled", "graph", "persistent", "layers")


def fit(
    net: Sequential,
    x: Any,
    t: Any,
    *,
    epochs: int = 1,
    batch_size: int = 100,
    optimizer: Optimizer | str | None = None,
    validation: tuple[Any, Any] | None = None,
    seed: int | None = None,
    engine: str = "auto",
    backend: str | Backend | None = None,
    measure: bool = False,
    stream: bool | None = None,
    verbose: bool = True,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_interrupt: str = "raise",
) -> History:
    """Train a net on a data set, visiting all samples in a new random order each epoch.

    Parameters
    ----------
    net : Sequential
    x : array (N, D), or (N, ...)
        Integers are raw values, scaled by the net's `input_range`, which the first data choose; anything else
        is converted to the net's dtype. Samples must not change while it runs.
    t : array (N,) of class indices or of text, (N, C) one-hot, or what the net's loss takes
        Text becomes indices into the net's `classes_`. Where x holds integers, numbers to be learned that are
        integers of x's shape are scaled as x is.
    epochs : int, optional
        How often to visit all samples.
    batch_size : int, optional
        The last batch of an epoch may be smaller.
    optimizer : Optimizer or str, optional
        An optimizer, or a name such as `"adam"` for one with its own learning rate; `SGD(lr=0.1)` by default.
    validation : (x, t), optional
        Data whose loss and accuracy are measured after each epoch.
    seed : int, optional
        Of batch order and dropout masks; the same seed gives the same on every backend. By default they come
        from xpnet's generator (`xpnet.seed`).
    engine : str, optional
        `"compiled"` runs each epoch as one compiled operation, for a stack of Affine and activations that
        ends in softmax loss; `"layers"` goes layer by layer; `"auto"` compiles where that applies. All give
        the same mathematics. On a GPU there are two ways to compile, and the one that measures faster is
        taken, unless one is named: `"graph"` replays a step captured as a CUDA graph, and `"persistent"`
        runs an epoch in one kernel, for small nets only.
    backend : str or Backend, optional
        Where to train, as `net.to` takes it; the net stays there. By default it trains where it is.
    measure : bool, optional
        With `backend="auto"`: time one real step of this net and batch on each usable backend, in under two
        seconds once the kernels are compiled (longer where a step takes 0.2 s), and take the quickest. The
        choice is said, with the batch sizes at which the order changes, and remembered for this machine and
        net.
    stream : bool, optional
        True keeps the samples on the host and brings them to a GPU in portions while it trains; False
        brings all of them there first. By default they stay on the host where they would take more than
        0.8 of the GPU's free memory, and it is said. The steps are the same. On a CPU there is nothing to
        bring.
    verbose : bool, optional
        Whether to say where it runs and show progress, on stderr: a bar in a terminal or a notebook, a line
        an epoch elsewhere, at most one a second besides the first and the last.
    on_epoch : callable, optional
        Called with an `Epoch` after each.
    on_interrupt : str, optional
        What Ctrl-C does once the step in hand has ended: `"raise"` raises FitInterrupted, a KeyboardInterrupt
        with the history so far, so that a loop around `fit` ends too; `"stop"` returns the history. The net
        keeps what it has learned.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If the data do not fit the net or each other, or an option is out of range; the net is as before.
    TypeError
        If x or t holds no real numbers, optimizer or on_epoch is none, or a layer does not do what it must (a
        weight that is no parameter, an output that is None); the net is as before.
    RuntimeError
        If a layer's backward leaves no gradient for a parameter; the net is as before.
    EngineError
        If the engine named cannot train this net, a ValueError too; the net is as before.
    BackendUnavailableError
        If the backend cannot be used here; the net is as before.
    NotFiniteError
        If training fails because x or t hold NaN or infinity; names the sample. A DivergedError too.
    DivergedError
        If a loss is NaN; says at which step. If the net's output is, after an epoch; says for which sample.
        The net and its optimizer are as the last good epoch left them, or as before.
    DeviceMemoryError
        If the device has too little memory; says how much was needed and what to lower. The net is as before,
        or as the last complete step left it.
    """
    check_counts(epochs=epochs, batch_size=batch_size)
    batch_size = int(batch_size)
    if on_epoch is not None and not callable(on_epoch):
        raise TypeError(f"on_epoch is {on_epoch!r}; it must be a function of an Epoch, or None")
    if on_interrupt not in ("raise", "stop"):
        raise ValueError(f"on_interrupt is {on_interrupt!r}; it must be 'raise' or 'stop'")
    _blas.follow()
    chosen = chosen_optimizer(optimizer)
    wishes = Wishes(epochs, chosen, validation, seed, verbose, on_epoch, on_interrupt)
    how = {"batch_size": batch_size, "optimizer": chosen, "engine": engine, "verbose": verbose}
    x = real_numbers("x", x)
    with unchanged_unless_trained(net, chosen):
        net.choose_classes(t)
        t = net.labels(t)
        with placed(net, chosen_backend(net, x, t, backend, measure, **how), chosen):
            before, kind = net.input_range, chosen_run(engine, net, chosen)
            with _dispatch.serving(net.backend.engines):
                run = kind(net, x, t, batch_size, chosen, stream)
            if validation is not None:
                check_validation(net, validation)
            if verbose:
                say(where_it_runs(net, run.path, run.data.said))
                for line in (*scaling(net, x, t, before), *likely_mistakes(net, run.data.x, batch_size)):
                    say(line)
            return train(run, wishes)


def chosen_run(engine: str, net: Sequential, optimizer: Optimizer) -> Callable[..., Run]:
    """Return what makes the run that an engine means for a net, from `net, x, t, batch_size, optimizer`.

    Raises
    ------
    ValueError
        If the engine is unknown.
    EngineError
        If it compiles and the net cannot be compiled; says why.
    """
    if engine not in ENGINES:
        raise ValueError(f"unknown engine {engine!r}; choose one of {', '.join(ENGINES)}")
    if engine == "layers":
        return LayerRun
    why = obstacle(net, optimizer)
    if why is None and engine not in ("auto", "compiled", *variants(net.backend)):
        why = f"the backend {net.backend.name} has no such epochs; the backend 'gpu' has"
    if why is None:
        return CompiledRun if engine in ("auto", "compiled") else partial(CompiledRun, variant=engine)
    if engine == "auto":
        return partial(LayerRun, because=why)
    raise EngineError(f"engine {engine!r} does not apply: {why}; use the engine 'auto' or 'layers'")


def check_validation(net: Sequential, validation: Any) -> None:
    """Raise ValueError or TypeError unless validation data are a pair whose loss can be measured."""
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        raise ValueError(f"validation must be a pair (x, t), got {type(validation).__name__}")
    try:
        scores_of(net, *validation)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"validation: {error}") from None


def chosen_optimizer(optimizer: Optimizer | str | None) -> Optimizer:
    """Return the optimizer that a user's choice means.

    Raises
    ------
    ValueError
        If a name is unknown.
    TypeError
        If it is neither an optimizer nor a name.
    """
    if optimizer is None:
        return SGD(lr=0.1)
    if isinstance(optimizer, str):
        return by_name(optimizer)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an Optimizer or a name, got {optimizer!r}; e.g. SGD(lr=0.1)")
    return optimizer


def check_counts(**values: Any) -> None:
    """Raise ValueError unless every value is a whole number above 0."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} is {value!r}; it must be a whole number above 0")
