"""The array library of each engine, ready for its kernels."""

import pytest
from engines import library_for


@pytest.fixture
def library(monkeypatch):
    """Return `library(engine)`: the array library of an engine, which is ready to run; may skip."""
    return lambda engine: library_for(engine, monkeypatch)
