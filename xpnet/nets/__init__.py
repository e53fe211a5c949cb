"""Nets: layers in a row that end in a loss."""

from xpnet.nets._params import Params
from xpnet.nets.multi_layer_net import MultiLayerNet
from xpnet.nets.sequential import Sequential
from xpnet.nets.two_layer_net import TwoLayerNet

__all__ = ["MultiLayerNet", "Params", "Sequential", "TwoLayerNet"]
