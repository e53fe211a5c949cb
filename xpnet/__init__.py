"""Neural-network layers written once for NumPy and CuPy, with Numba kernels on the hot paths.

import xpnet

xpnet.use("gpu")                       # or "cpu", "auto", "numpy", "numba", "cupy", "numba-cuda"
(x, t), test = xpnet.datasets.mnist()
net = xpnet.nets.TwoLayerNet(784, 50, 10)
history = net.fit(x, t, epochs=16, validation=test)
"""

from xpnet import datasets, layers, nets, optimizers
from xpnet._backends import (
    Backend,
    BackendStatus,
    BackendUnavailableError,
    DeviceMemoryError,
    asarray,
    backends,
    to_numpy,
    use,
    using,
)
from xpnet._backends import current as current_backend
from xpnet._blas import set_num_threads
from xpnet._tf32 import set_tf32
from xpnet.checkpoint import CheckpointError, load
from xpnet.functions import cross_entropy_error, sigmoid, softmax
from xpnet.gradients import gradient_check, numerical_gradient
from xpnet.parameter import Parameter
from xpnet.random import seed
from xpnet.training import DivergedError, EngineError, Epoch, FitInterrupted, History, NotFiniteError
from xpnet_kernels._arrays import DeviceMismatchError

__version__ = "0.1.0"

__all__ = [
    "Backend",
    "BackendStatus",
    "BackendUnavailableError",
    "CheckpointError",
    "DeviceMemoryError",
    "DeviceMismatchError",
    "DivergedError",
    "EngineError",
    "Epoch",
    "FitInterrupted",
    "History",
    "NotFiniteError",
    "Parameter",
    "asarray",
    "backends",
    "cross_entropy_error",
    "current_backend",
    "datasets",
    "gradient_check",
    "layers",
    "load",
    "nets",
    "numerical_gradient",
    "optimizers",
    "seed",
    "set_num_threads",
    "set_tf32",
    "sigmoid",
    "softmax",
    "to_numpy",
    "use",
    "using",
]
