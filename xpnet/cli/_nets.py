"""What a saved net takes and tells apart."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

import xpnet
from xpnet._edge import NoAnswerError, check_is_an_answer, chunks
from xpnet.cli._errors import Failure, user_values
from xpnet.layers import SoftmaxWithLoss
from xpnet.nets import Sequential
from xpnet.nets._scores import CHUNK


class Classifier(NamedTuple):
    """A net that tells classes apart.

    Attributes
    ----------
    path : Path
        Where it was saved.
    net : Sequential
    inputs, classes : int
        The numbers it takes for one image, and the classes it tells apart.
    """

    path: Path
    net: Sequential
    inputs: int
    classes: int

    @property
    def names(self) -> list[str]:
        """The names of the classes; their numbers where the net has none."""
        known = self.net.classes_
        return [str(name) for name in (range(self.classes) if known is None else known)]

    def probabilities(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.floating]:
        """Return the probability of each class (N, C) for images (N, D).

        Raises
        ------
        Failure
            If the net's output is NaN.
        """
        parts = []
        for chunk in chunks(len(x), CHUNK):
            with user_values():
                y = self.net.predict(x[chunk])
            try:
                check_is_an_answer(str(self.path), y, chunk.start)
            except NoAnswerError as error:
                raise Failure(str(error)) from None
            parts.append(xpnet.to_numpy(xpnet.softmax(y)))
        return np.concatenate(parts)


def load_classifier(path: Path) -> Classifier:
    """Load a net for images on the backend in force.

    Raises
    ------
    CheckpointError
        If the file is no saved net, or is damaged.
    Failure
        If the net is not one that classifies rows of numbers.
    """
    net = xpnet.load(path)
    matrices = [array for array in net.params.values() if array.ndim == 2]
    if not isinstance(net.lastLayer, SoftmaxWithLoss) or not matrices:
        raise Failure(
            f"{path} holds no classifier of images, whose loss would be SoftmaxWithLoss: its loss is "
            f"{type(net.lastLayer).__name__}"
        )
    inputs = int(matrices[0].shape[0])
    with user_values():
        classes = int(net.predict(np.zeros((1, inputs), net.dtype)).shape[-1])
    return Classifier(path, net, inputs, classes)
