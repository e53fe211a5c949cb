"""Training: the loop, what it says, and what it returns."""

from xpnet.training.fit import DivergedError, fit
from xpnet.training.history import Epoch, History

__all__ = ["DivergedError", "Epoch", "History", "fit"]
