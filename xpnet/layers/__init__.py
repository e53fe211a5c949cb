"""Every layer and loss, one file each: state in the layer, maths in `xpnet_kernels`."""

from xpnet.layers._base import Layer
from xpnet.layers._loss import LossLayer
from xpnet.layers.add import AddLayer
from xpnet.layers.affine import Affine
from xpnet.layers.div import DivLayer
from xpnet.layers.dropout import Dropout
from xpnet.layers.identity_with_loss import IdentityWithLoss
from xpnet.layers.matmul import MatMul
from xpnet.layers.mul import MulLayer
from xpnet.layers.relu import Relu
from xpnet.layers.rnn import RNN
from xpnet.layers.sigmoid import Sigmoid
from xpnet.layers.sigmoid_with_loss import SigmoidWithLoss
from xpnet.layers.softmax import Softmax
from xpnet.layers.softmax_with_loss import SoftmaxWithLoss
from xpnet.layers.tanh import Tanh
from xpnet.layers.time_rnn import TimeRNN

__all__ = [
    "RNN",
    "AddLayer",
    "Affine",
    "DivLayer",
    "Dropout",
    "IdentityWithLoss",
    "Layer",
    "LossLayer",
    "MatMul",
    "MulLayer",
    "Relu",
    "Sigmoid",
    "SigmoidWithLoss",
    "Softmax",
    "SoftmaxWithLoss",
    "Tanh",
    "TimeRNN",
]
