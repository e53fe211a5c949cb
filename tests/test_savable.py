"""Layers and nets of one's own: what a file can give back is saved, anything else is refused and named."""

import numpy as np
import pytest

import xpnet
from xpnet.layers import Affine, Dropout, IdentityWithLoss, Layer, Relu
from xpnet.nets import Sequential, TwoLayerNet

RNG = np.random.default_rng(9)
X = RNG.normal(size=(5, 6))


class Shift(Layer):
    """x + by; the subclasses show what can be kept in a file."""

    def __init__(self, by=1.0):
        super().__init__()
        self.by = by

    def forward(self, x):
        return x + self.by

    def backward(self, dout):
        return dout


class KeptShift(Shift):
    config_names = ("by",)


class NeededShift(Shift):
    def __init__(self, by):
        super().__init__(by)


class PassedOn(KeptShift):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


class Ones(Layer):
    config_names = ("size",)

    def __init__(self, size):
        super().__init__(g=np.ones(size))
        self.size = size


class ScaledLoss(IdentityWithLoss):
    config_names = ("scale",)

    def __init__(self, scale=1.0):
        super().__init__()
        self.scale = scale


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Shift(3.0), r"'Shift1' \(Shift\).*argument 'by' of Shift\.__init__.*config_names = \('by',\)"),
        (NeededShift(3.0), r"'NeededShift1' \(NeededShift\).*argument 'by'.*self\.by"),
        (KeptShift(np.ones(6)), r"'KeptShift1'.*not JSON serializable.*config_names = \('by',\)"),
        (Ones(6), r"'Ones1' \(Ones\).*Ones\(g=\.\.\.\).*give it the argument 'g'"),
    ],
)
def test_a_layer_that_could_not_be_made_again_is_not_saved(layer, message, tmp_path):
    with pytest.raises(xpnet.CheckpointError, match=message):
        Sequential([layer]).save(tmp_path / "net")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("layer", [KeptShift(3.0), PassedOn(3.0)], ids=repr)
def test_arguments_of_ones_own_come_back(layer, tmp_path):
    Sequential([layer]).save(tmp_path / "net")
    loaded = xpnet.load(tmp_path / "net", layers={type(layer).__name__: type(layer)})
    np.testing.assert_array_equal(loaded.predict(X), X.astype(np.float32) + 3)


def test_a_loss_of_ones_own_keeps_its_arguments(tmp_path):
    Sequential([Relu()], loss=ScaledLoss(3.0)).save(tmp_path / "net")
    assert xpnet.load(tmp_path / "net", layers={"ScaledLoss": ScaledLoss}).lastLayer.scale == 3.0


def test_a_class_that_has_changed_since_is_named_when_loading(tmp_path):
    Sequential([KeptShift(3.0)]).save(tmp_path / "net")
    with pytest.raises(xpnet.CheckpointError, match=r"net: the layer 'KeptShift' cannot be made.*by=\.\.\."):
        xpnet.load(tmp_path / "net", layers={"KeptShift": Dropout})


def test_a_layer_of_ones_own_is_not_taken_for_one_of_the_same_name(tmp_path):
    class Relu(Layer):
        """Leaks."""

        def forward(self, x):
            return np.where(x > 0, x, 0.1 * x)

    net = Sequential([Affine(np.eye(6), np.zeros(6)), Relu()])
    net.save(tmp_path / "net")
    with pytest.raises(xpnet.CheckpointError, match="needs a layer 'Relu' of your own"):
        xpnet.load(tmp_path / "net")
    loaded = xpnet.load(tmp_path / "net", layers={"Relu": Relu})
    np.testing.assert_array_equal(loaded.predict(X), net.predict(X))


def test_a_net_whose_config_load_cannot_give_back_is_not_saved(tmp_path):
    class Warm(TwoLayerNet):
        def config(self):
            return {**super().config(), "temperature": 2.0}

    with pytest.raises(xpnet.CheckpointError, match=r"the net \(Warm\) cannot be saved: .*temperature"):
        Warm(6, 4, 3).save(tmp_path / "net")
    assert not (tmp_path / "net").exists()
