"""A small case on the built-in digits, and what plays it."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

import xpnet
from xpnet import _backends
from xpnet.bench.case import Case, Data
from xpnet.bench.compare import Comparison
from xpnet.bench.player import Player

sys.path.insert(0, str(Path(__file__).parent))  # also the players' processes find `fakes` there


@pytest.fixture(autouse=True)
def same_switch_after():
    before = _backends._current
    yield
    _backends._set(before)


@pytest.fixture(scope="session")
def data():
    train, test = xpnet.datasets.digits()
    return Data(*(np.ascontiguousarray(array) for array in (*train, *test)))


@pytest.fixture
def case():
    return Case((64, 20, 10), 20)


@pytest.fixture
def play(case, data, monkeypatch):
    """Compare contestants in this process; return the result."""
    monkeypatch.setattr("xpnet.bench.player.INFERENCE_SECONDS", 0.01)
    monkeypatch.setattr("xpnet.bench.player.PRODUCT_SIDE", 256)
    monkeypatch.setattr("xpnet.bench.player.GEMM_SECONDS", 0.05)
    monkeypatch.setattr("xpnet.bench.checks.FLOOR_LIMIT", math.inf)  # so short a product is no measure

    def run(*contestants, epochs=3):
        players = {
            f"{type(one).__name__} {number}": lambda one=one: Player(one, {}, case, data)
            for number, one in enumerate(contestants)
        }
        return Comparison(case, data, players, epochs=epochs, settle=0).run()

    return run
