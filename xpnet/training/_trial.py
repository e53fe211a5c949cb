"""How long a step of a net takes on a backend, measured on a copy."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xpnet import _backends, random
from xpnet.optimizers import Optimizer
from xpnet.training._announce import says_when_compiling
from xpnet.training._epochs import Run
from xpnet.training._progress import Progress
from xpnet.training.loop import chosen_run
from xpnet_kernels import _dispatch

if TYPE_CHECKING:
    from xpnet.nets import Sequential

MOST_STEPS = 20
"""Of a long epoch; the short one has a single step."""

MOST_EPOCHS = 5


@dataclass(frozen=True)
class Trial:
    """What is tried; the net, its optimizer and xpnet's generator are left as they were.

    Parameters
    ----------
    net, x, t, optimizer, engine, verbose
        As for `fit`.
    """

    net: Sequential
    x: Any
    t: Any
    optimizer: Optimizer
    engine: str
    verbose: bool

    def seconds(self, name: str, batch: int, limit: float) -> float:
        """Return the seconds of a step on a backend, within an epoch.

        A long epoch less a short one: what an epoch costs once has no part in it.

        Parameters
        ----------
        name : str
            The backend's.
        batch : int
            At most the number of samples.
        limit : float
            Seconds after which no further epochs are begun, compiling apart.
        """
        backend = _backends.find(name)
        twin, still = self.net.copy().to(backend), copy.deepcopy(self.optimizer)
        still.lr = 1e-6  # so that no weight overflows, whatever the rate: NaN may take other time
        kind = chosen_run(self.engine, twin, still)
        x, t = (backend.asarray(array[: MOST_STEPS * batch]) for array in (self.x, self.t))
        with _dispatch.serving(backend.engines), random.seeded(0):
            short = kind(twin, x[:batch], t[:batch], batch, still)
            short.prepare(self.verbose)
            with says_when_compiling(self.verbose):
                _epoch(short)
            stop, shorts = time.perf_counter() + limit, [_epoch(short)]
            steps = min(len(x) // batch, 1 + max(1, int(limit / 8 / shorts[0])))
            if steps == 1:
                return shorts[0]
            long = kind(twin, x[: steps * batch], t[: steps * batch], batch, still)
            longs = [_epoch(long)]
            while len(longs) < MOST_EPOCHS and time.perf_counter() < stop:
                shorts.append(_epoch(short))
                longs.append(_epoch(long))
        # The least of each: a busy neighbour only adds. Where it spoils the difference, the whole must do.
        more = (min(longs) - min(shorts)) / (steps - 1)
        return more if more > 0 else min(longs) / steps


def _epoch(run: Run) -> float:
    """Return the seconds of an epoch, until its losses are on the host."""
    started = time.perf_counter()
    run.epoch(lambda: False, Progress(0, 0, enabled=False))
    return time.perf_counter() - started
