"""What a training run leaves behind: the loss of every step, the accuracies of every epoch, the time."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Epoch:
    """One epoch of a run.

    Attributes
    ----------
    number : int
        From 1.
    loss : float
        Mean over the samples, each at the step that it was part of.
    train_accuracy, test_accuracy : float or None
        Share of right predictions after the epoch, on the training and on the validation data; None for a
        regression, the second also without validation data.
    seconds : float
        Of training alone, without the measuring.
    test_loss : float or None
        Mean loss on the validation data after the epoch, as `net.loss` gives it; None without them.
    """

    number: int
    loss: float
    train_accuracy: float | None
    test_accuracy: float | None
    seconds: float
    test_loss: float | None = None

    def __str__(self) -> str:
        parts = [f"epoch {self.number}", f"loss {self.loss:.4f}"]
        if self.test_loss is not None:
            parts.append(f"test loss {self.test_loss:.4f}")
        if self.train_accuracy is not None:
            parts.append(f"train accuracy {self.train_accuracy:.4f}")
        if self.test_accuracy is not None:
            parts.append(f"test accuracy {self.test_accuracy:.4f}")
        return ", ".join([*parts, f"{self.seconds:.3f} s"])


@dataclass
class History:
    """The record of a training run.

    Attributes
    ----------
    loss : list of float
        Of every step.
    epochs : list of Epoch
        Of every epoch that was finished.
    interrupted : bool
        Whether Ctrl-C ended the run; the net keeps what it had learned.
    """

    loss: list[float] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    interrupted: bool = False

    def __repr__(self) -> str:
        # All losses would be a hundred thousand characters, which a notebook prints after a cell.
        last = f"; {self.epochs[-1]}" if self.epochs else ""
        return f"History({len(self.loss)} steps{last}{'; interrupted' if self.interrupted else ''})"

    @property
    def train_accuracy(self) -> list[float]:
        """Of every epoch; empty for a regression."""
        return [epoch.train_accuracy for epoch in self.epochs if epoch.train_accuracy is not None]

    @property
    def test_accuracy(self) -> list[float]:
        """Of every epoch; empty for a regression and without validation data."""
        return [epoch.test_accuracy for epoch in self.epochs if epoch.test_accuracy is not None]

    @property
    def test_loss(self) -> list[float]:
        """Of every epoch; empty without validation data."""
        return [epoch.test_loss for epoch in self.epochs if epoch.test_loss is not None]

    @property
    def seconds(self) -> list[float]:
        """Of every epoch."""
        return [epoch.seconds for epoch in self.epochs]
