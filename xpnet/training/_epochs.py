"""Epochs: a run is trained epoch after epoch, and measured between them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from xpnet import random
from xpnet.optimizers import Optimizer
from xpnet.training._announce import say
from xpnet.training._compiled import CompiledRun
from xpnet.training._data import data_memory
from xpnet.training._diverged import (
    DivergedError,
    accuracy_after,
    check_data,
    check_losses,
    check_parameters,
    scores_after,
)
from xpnet.training._interrupt import FitInterrupted, Interrupt
from xpnet.training._last_good import LastGood
from xpnet.training._layer_by_layer import LayerRun
from xpnet.training._progress import Progress
from xpnet.training.history import Epoch, History
from xpnet_kernels import _dispatch

Run = LayerRun | CompiledRun


class Wishes(NamedTuple):
    """What a user asked `fit` for, beside data and engine; see `fit`."""

    epochs: int
    optimizer: Optimizer
    validation: Any
    seed: int | None
    verbose: bool
    on_epoch: Callable[[Epoch], None] | None
    on_interrupt: str


def train(run: Run, wishes: Wishes) -> History:
    """Train a run; see `fit` for what is returned and raised."""
    history, net, number = History(), run.net, 0
    bar = Progress(wishes.epochs, run.steps, wishes.verbose)
    with _dispatch.serving(net.backend.engines), random.seeded(wishes.seed), Interrupt() as interrupt, bar:
        run.prepare(wishes.verbose)
        with data_memory(run):
            good = LastGood(net, wishes.optimizer)
        while number < wishes.epochs and not interrupt.requested:
            number += 1
            epoch = _one(run, number, good, history, wishes.validation, interrupt, bar)
            if epoch is not None:
                history.epochs.append(epoch)
                bar.epoch(epoch)
                if wishes.on_epoch is not None:
                    wishes.on_epoch(epoch)
                good.keep(f"as epoch {number} left it")
        history.interrupted = interrupt.requested
    if history.interrupted:
        _end_interrupted(history, number, wishes)
    return history


def _one(
    run: Run, number: int, good: LastGood, history: History, validation: Any, interrupt: Interrupt, bar: Any
) -> Epoch | None:
    """Train for an epoch; return it, or None if it was interrupted."""
    try:
        started = time.perf_counter()
        losses = run.epoch(lambda: interrupt.requested, bar)
        seconds = time.perf_counter() - started
        if not math.isfinite(sum(losses)):
            check_data(run.data)
            check_losses(losses, number)
        whole = len(losses) == run.steps
        epoch = _measured(run, number, losses, seconds, validation) if whole else None
    except DivergedError as error:
        good.put_back()
        message = f"{error}. The net is {good.words}"
        raise type(error)(message) from None
    history.loss += losses
    return epoch


def _measured(run: Run, number: int, losses: list[float], seconds: float, validation: Any) -> Epoch:
    net, train, test, test_loss = run.net, None, None, None
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            if net.lastLayer.classifies:
                train = accuracy_after(net, f"epoch {number}, training data", run.data.x, run.data.t)
            else:
                check_parameters(net, number)
            if validation is not None:
                test_loss, test = scores_after(net, f"epoch {number}, validation data", *validation)
        except DivergedError:
            check_data(run.data)
            raise
    return Epoch(number, _mean(losses, run), train, test, seconds, test_loss)


def _mean(losses: list[float], run: Run) -> float:
    """Return the mean loss of the samples: a short last batch counts by its size."""
    last = run.samples - (run.steps - 1) * run.batch_size
    if last == run.batch_size or run.steps == 1:
        return float(np.mean(losses))
    return float(np.average(losses, weights=[run.batch_size] * (run.steps - 1) + [last]))


def _end_interrupted(history: History, number: int, wishes: Wishes) -> None:
    """Say that Ctrl-C ended the run, and pass it on unless the user wants it to stop `fit` alone."""
    if wishes.verbose:
        say(f"interrupted in epoch {number}; the net keeps what it has learned")
    if wishes.on_interrupt == "raise":
        raise FitInterrupted(history)
