"""How much a run measures: on a GPU, and in a dry run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Sizes and counts; the defaults are what a GPU gets.

    Attributes
    ----------
    dry : bool
        Whether doubles stand in the place of the GPU: it proves that the code runs, and measures nothing.
    steps : tuple of int
        After which every tier is compared with float64.
    epochs, slow_epochs, wide_epochs : int
        Timed epochs of each way to train; of the ways that go layer by layer; of nets whose products take
        the time.
    turns : int
        Timed epochs of each contestant of a comparison on a small net.
    samples : int or None
        Of the data set; None for all.
    repeats : int
        Samples of each small measurement.
    sides : tuple of int
        Of the square matrix products.
    copied : int
        Bytes of the copy that measures the bandwidth.
    blocks : tuple of int
        That wait for each other at the barrier.
    rounds : tuple of int
        Barriers in one launch; the cost of one is the difference.
    nodes : tuple of int
        Kernels, and steps, in a graph.
    calls : int
        Launches in one sample of their cost.
    player_limit : float
        Seconds that one answer of a contestant may take: a turn is two epochs.
    settle : float
        Seconds of rest before each contestant's turn.
    """

    dry: bool = False
    steps: tuple[int, ...] = (1, 5, 600)
    epochs: int = 15
    slow_epochs: int = 5
    wide_epochs: int = 7
    turns: int = 9
    samples: int | None = None
    repeats: int = 20
    sides: tuple[int, ...] = (1024, 4096, 8192)
    copied: int = 1 << 30
    blocks: tuple[int, ...] = (17, 64, 119, 132)
    rounds: tuple[int, int] = (1000, 3000)
    nodes: tuple[int, ...] = (1, 20, 600)
    calls: int = 200
    player_limit: float = 100.0
    settle: float = 0.05


FULL = Plan()

DRY = Plan(
    dry=True,
    steps=(1, 2),
    epochs=2,
    slow_epochs=2,
    wide_epochs=2,
    turns=2,
    samples=300,
    repeats=2,
    sides=(8, 16),
    copied=1 << 10,
    blocks=(1, 2),
    rounds=(2, 4),
    nodes=(1, 2),
    calls=2,
    player_limit=120.0,
    settle=0.0,
)
