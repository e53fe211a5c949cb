"""Training: the loop, what it says, and what it returns."""

from xpnet.training._diverged import DivergedError, NotFiniteError
from xpnet.training._interrupt import FitInterrupted
from xpnet.training._ways import EngineError
from xpnet.training.history import Epoch, History
from xpnet.training.loop import fit

__all__ = ["DivergedError", "EngineError", "Epoch", "FitInterrupted", "History", "NotFiniteError", "fit"]
