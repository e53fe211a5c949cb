"""A training run of the command line: everything checked first, then trained, then written."""

from __future__ import annotations

import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

import xpnet
from xpnet import Epoch, History
from xpnet.cli._errors import user_values
from xpnet.cli._log import RunLog
from xpnet.cli._options import class_count, load_dataset, take_backend
from xpnet.cli._recipes import optimizer_for, recipe_for
from xpnet.nets import MultiLayerNet
from xpnet.plotting import plot_history
from xpnet.training._progress import bars_only
from xpnet.training.loop import chosen_run


@dataclass
class Options:
    """What `xpnet train` was told; None where it was not."""

    backend: str | None
    dataset: str
    hidden: tuple[int, ...]
    activation: str
    epochs: int | None
    batch_size: int | None
    optimizer: str
    learning_rate: float | None
    dtype: str
    engine: str
    seed: int | None
    save: Path | None
    plot: Path | None
    log: Path | None
    label: str | int | None = None
    header: bool | None = None
    drop: tuple[str | int, ...] = ()


class Training:
    """One run, ready to start: all that the user typed has been checked, and the log is open.

    Parameters
    ----------
    ctx : click.Context
        The backend stays in force, and the log open, until it ends.
    options : Options
    """

    def __init__(self, ctx: click.Context, options: Options) -> None:
        self.options = options
        _check_distinct(options.save, options.plot, options.log)
        recipe = recipe_for(options.dataset)
        self.epochs = options.epochs or recipe.epochs
        self.batch_size = options.batch_size or recipe.batch_size
        self.seed = secrets.randbits(32) if options.seed is None else options.seed
        with user_values():
            self.optimizer = optimizer_for(options.optimizer, options.learning_rate, recipe)
        self.backend = take_backend(ctx, options.backend)
        self.data = load_dataset(
            options.dataset, label=options.label, header=options.header, drop=options.drop, to_train=True
        )
        self.sizes = (self.data.train.x.shape[1], *options.hidden, class_count(self.data))
        with user_values():
            self.net = MultiLayerNet(
                self.sizes[0],
                options.hidden,
                self.sizes[-1],
                activation=options.activation,
                weight_init_std="he" if options.activation == "relu" else "xavier",
                seed=self.seed,
                dtype=options.dtype,
            )
            self.net.input_range = self.data.input_range  # the loader has scaled the images by it
            chosen_run(options.engine, self.net, self.optimizer)  # refuses before a log is begun
        self.log = ctx.with_resource(RunLog(options.log))

    @property
    def title(self) -> str:
        """Data set, net and backend in words."""
        name = Path(self.options.dataset).name
        return f"{name}, {'-'.join(map(str, self.sizes))} {self.options.activation}, {self.backend.name}"

    def fit(self) -> History:
        """Train; Ctrl-C ends it early."""
        self._say_what()
        try:
            with bars_only():  # the epochs are printed on stdout
                return self.net.fit(
                    *self.data.train,
                    epochs=self.epochs,
                    batch_size=self.batch_size,
                    optimizer=self.optimizer,
                    validation=self.data.test if len(self.data.test.t) else None,
                    seed=self.seed,
                    engine=self.options.engine,
                    on_epoch=self._on_epoch,
                    on_interrupt="stop",
                )
        except Exception as error:
            self.log.failure(error)
            raise

    def _say_what(self) -> None:
        taken = {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "learning_rate": self.optimizer.lr,
            "seed": self.seed,
        }
        self.log.run(
            version=xpnet.__version__,
            backend=self.backend.name,
            device=self.backend.device(),
            dataset=self.options.dataset,
            net=f"{type(self.net).__name__} {'-'.join(map(str, self.sizes))}",
            options=_plain(asdict(self.options)) | taken,
            optimizer=repr(self.optimizer),
            seed=self.seed,
        )
        click.echo(
            f"{self.title}: {len(self.data.train.t)} training and {len(self.data.test.t)} test images, "
            f"{self.optimizer}, batches of {self.batch_size}, seed {self.seed}"
        )

    def _on_epoch(self, epoch: Epoch) -> None:
        self.log.epoch(epoch)
        with tqdm.external_write_mode():  # the progress bar steps aside
            click.echo(str(epoch))

    def write(self, history: History) -> None:
        """Write the net, then the plot."""
        if self.options.save is not None:
            self.net.save(self.options.save)
        if self.options.plot is not None:
            plot_history(history, self.options.plot, title=self.title)

    def summary(self, history: History) -> str:
        """Return the accuracy, the time of the epochs alone and what was written."""
        part, (x, t) = ("test", self.data.test) if len(self.data.test.t) else ("train", self.data.train)
        facts = [
            f"{part} accuracy {self.net.accuracy(x, t):.4f}",
            f"trained for {sum(history.seconds):.2f} s",
        ]
        if history.interrupted:
            facts.insert(0, f"interrupted after {len(history.loss)} steps")
        written = [os.fspath(path) for path in self._outputs() if path is not None]
        return ", ".join(facts) + (f"; wrote {', '.join(written)}" if written else "")

    def _outputs(self) -> tuple[Path | None, ...]:
        return self.options.save, self.options.plot, self.options.log


def _check_distinct(*paths: Path | None) -> None:
    real = [os.path.realpath(path) for path in paths if path is not None]
    if len(set(real)) < len(real):
        raise click.UsageError("--save, --plot and --log need files of their own; two are the same")


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    return {name: os.fspath(value) if isinstance(value, Path) else value for name, value in options.items()}
