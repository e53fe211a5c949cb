"""The maths of xpnet's hot paths: one operation per file, with every implementation of it.

Each operation has a reference in plain array-API calls, sample inputs and, on the hot paths, Numba kernels
for CPU and GPU. Calling an operation looks at its arrays and takes the implementation that serves them.
"""

from xpnet_kernels._operation import Implementation, Operation, Sample, operation, registry
from xpnet_kernels.adagrad import adagrad
from xpnet_kernels.adam import adam
from xpnet_kernels.affine import affine, affine_relu
from xpnet_kernels.affine_backward import affine_backward
from xpnet_kernels.binary_cross_entropy import binary_cross_entropy
from xpnet_kernels.matmul import matmul
from xpnet_kernels.mlp_epoch import mlp_epoch
from xpnet_kernels.mlp_forward import mlp_forward
from xpnet_kernels.momentum import momentum
from xpnet_kernels.nesterov import nesterov
from xpnet_kernels.relu import relu, relu_backward
from xpnet_kernels.rmsprop import rmsprop
from xpnet_kernels.sgd import sgd
from xpnet_kernels.sigmoid import sigmoid, sigmoid_backward
from xpnet_kernels.softmax import softmax, softmax_backward
from xpnet_kernels.softmax_cross_entropy import softmax_cross_entropy
from xpnet_kernels.squared_error import squared_error
from xpnet_kernels.tanh import tanh, tanh_backward
from xpnet_kernels.weight_decay import weight_penalty, weight_penalty_backward

__all__ = [
    "Implementation",
    "Operation",
    "Sample",
    "adagrad",
    "adam",
    "affine",
    "affine_backward",
    "affine_relu",
    "binary_cross_entropy",
    "matmul",
    "mlp_epoch",
    "mlp_forward",
    "momentum",
    "nesterov",
    "operation",
    "registry",
    "relu",
    "relu_backward",
    "rmsprop",
    "sgd",
    "sigmoid",
    "sigmoid_backward",
    "softmax",
    "softmax_backward",
    "softmax_cross_entropy",
    "squared_error",
    "tanh",
    "tanh_backward",
    "weight_penalty",
    "weight_penalty_backward",
]
