"""Data as users have them: in any memory order, read-only, labels that change meanwhile, NumPy's numbers."""

import numpy as np
import pytest

from xpnet.layers import Affine, Dropout, Layer
from xpnet.nets import MultiLayerNet, Sequential
from xpnet.training import EngineError
from xpnet.training._data import place_data

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(60, 7)).astype("float32")
X, T = np.ascontiguousarray(TABLE[:, 1:]), np.arange(60) % 3


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def unaligned(x):
    raw = np.empty(x.nbytes + 1, np.uint8)
    raw[1:] = x.reshape(-1).view(np.uint8)
    return raw[1:].view(x.dtype).reshape(x.shape)


FORMS = {
    "a slice of columns": lambda x: TABLE[:, 1:],
    "column by column": np.asfortranarray,
    "backwards": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "read-only": read_only,
    "unaligned": unaligned,
    "pandas gives float64 column by column": lambda x: np.asfortranarray(x.astype("float64")),
}


def net():
    return MultiLayerNet(6, [8], 3, weight_init_std=0.5, seed=1)


def losses(x, t=T, **options):
    options = {"epochs": 3, "batch_size": 7, "seed": 0, "verbose": False} | options
    return net().fit(x, t, **options).loss


@pytest.mark.parametrize("engine", ["auto", "layers"])
@pytest.mark.parametrize("form", FORMS)
def test_any_order_in_memory_trains_alike_and_is_brought_into_rows_once(form, engine, backend):
    given = FORMS[form](X)
    before = given.copy()
    assert losses(given, engine=engine) == losses(X, engine=engine)
    np.testing.assert_array_equal(given, before)
    if backend.family == "numpy":
        placed = place_data(net(), given, T, 7, None).x
        assert placed.flags.carray
        assert np.shares_memory(placed, given) == (form == "read-only")


@pytest.mark.parametrize("engine", ["auto", "layers"])
def test_labels_that_change_meanwhile_are_those_that_were_checked(engine, backend):
    t = T.copy()
    changing = losses(X, t, engine=engine, on_epoch=lambda epoch: t.fill(1_000_000))
    assert changing == losses(X, engine=engine)


@pytest.mark.parametrize("engine", ["auto", "layers"])
@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint64])
def test_a_batch_size_may_be_a_number_of_numpys(kind, engine):
    assert losses(X, batch_size=kind(7), engine=engine) == losses(X, engine=engine)


CHANGES = {
    "another layer": lambda net: net.layers.update(Relu1=Dropout()),
    "another dtype": lambda net: net.to(dtype="float64"),
    "fewer classes": lambda net: net.layers.update(Affine2=Affine(np.zeros((8, 2)), np.zeros(2))),
    "another backend": lambda net: net.to("numpy"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_net_that_changes_while_it_is_trained_compiled_is_an_error(change):
    trained = net().to("numba")
    with pytest.raises(EngineError, match=r"the net was changed while fit trained it \(.*\); call fit again"):
        trained.fit(X, T, epochs=2, verbose=False, on_epoch=lambda epoch: CHANGES[change](trained))


def test_an_output_without_classes_is_named():
    class Flat(Layer):
        def forward(self, x):
            return x[:, 0]

    with pytest.raises(ValueError, match=r"SoftmaxWithLoss: the net's output is \(7,\); it must be \(N, C\)"):
        Sequential([Flat()]).fit(X, T, batch_size=7, verbose=False)
