import json
import subprocess
import sys

import numpy as np
import pytest
from stand_ins import family

import xpnet
from xpnet import checkpoint
from xpnet.layers import Affine, Dropout, IdentityWithLoss, Layer, Relu, TimeRNN
from xpnet.nets import MultiLayerNet, Sequential, TwoLayerNet

RNG = np.random.default_rng(9)
X = RNG.normal(size=(5, 6))


def nets():
    """A net of every kind."""
    rng = np.random.default_rng(0)
    return {
        "two layers": TwoLayerNet(6, 4, 3, seed=0),
        "float64": TwoLayerNet(6, 4, 3, seed=0, dtype="float64"),
        "deep with decay": MultiLayerNet(6, [5, 4], 3, activation="tanh", weight_decay_lambda=0.1, seed=0),
        "named layers": Sequential(
            {"in": Affine(rng.normal(size=(6, 4)), np.ones(4)), "drop": Dropout(0.25)},
            loss=IdentityWithLoss(),
        ),
        "square weights": Sequential([Affine(rng.normal(size=(6, 6)), np.zeros(6)), Relu()]),
    }


@pytest.mark.parametrize("kind", nets())
def test_a_net_comes_back_bit_for_bit_from_every_backend(kind, backend, tmp_path):
    net = nets()[kind]
    path = tmp_path / "net.safetensors"
    cells = {name: cell.data for name, cell in net.params.cells.items()}
    net.save(path)
    assert all(net.params[name] is array for name, array in cells.items())
    with xpnet.using("numpy"):
        loaded = xpnet.load(path)
        assert type(loaded) is type(net)
        assert loaded.dtype == net.dtype
        assert list(loaded.layers) == list(net.layers)
        assert repr(loaded.layers) == repr(net.layers)
        assert type(loaded.lastLayer) is type(net.lastLayer)
        assert loaded.weight_decay_lambda == net.weight_decay_lambda
        for name, array in net.params.items():
            assert loaded.params[name].tobytes() == xpnet.to_numpy(array).tobytes()
    assert xpnet.to_numpy(xpnet.load(path).predict(X)).tobytes() == xpnet.to_numpy(net.predict(X)).tobytes()
    assert family(xpnet.load(path, backend="numpy").params.cells.popitem()[1].data) == "numpy"


@pytest.mark.parametrize("view", [lambda W: W.T, lambda W: np.asfortranarray(W), lambda W: W[::-1, ::-1]])
def test_arrays_that_are_not_in_c_order(view, tmp_path):
    W = view(np.arange(36.0).reshape(6, 6))
    net = Sequential([Affine(np.zeros((6, 6)), np.zeros(6))], dtype="float64")
    net.layers["Affine1"].parameters["W"].data = W
    net.save(tmp_path / "net")
    np.testing.assert_array_equal(xpnet.load(tmp_path / "net").params["W1"], W)


def test_a_recurrent_layer_keeps_its_settings(tmp_path):
    net = Sequential(
        [TimeRNN(np.ones((3, 2)), np.ones((2, 2)), np.zeros(2), stateful=True)], loss=IdentityWithLoss()
    )
    net.save(tmp_path / "net")
    assert xpnet.load(tmp_path / "net").layers["TimeRNN1"].stateful


def test_the_file_is_ordinary_safetensors(tmp_path):
    from safetensors import safe_open

    TwoLayerNet(6, 4, 3).save(tmp_path / "net")
    with safe_open(tmp_path / "net", "numpy") as file:
        assert sorted(file.keys()) == ["W1", "W2", "b1", "b2"]
        architecture = json.loads(file.metadata()["net"])
    assert [layer["type"] for layer in architecture["layers"]] == ["Affine", "Relu", "Affine"]


def test_saving_replaces_a_file_as_a_whole(tmp_path, monkeypatch):
    path = tmp_path / "net"
    TwoLayerNet(6, 4, 3, seed=0).save(path)
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        TwoLayerNet(6, 4, 3, seed=1).save(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["net"]


def flip(data, position):
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda data: flip(data, len(data) - 3),
            "is damaged or was changed: its arrays or its layers are not those that were saved",
        ),
        (lambda data: data.replace(b"Relu", b"Tanh", 1), "is damaged or was changed"),
        (lambda data: data[:-10], "is not a whole file"),
        (lambda data: data[:20], "is not a whole file"),
        (lambda data: b"", "is not a whole file"),
        (
            lambda data: b"PK\x03\x04 something else entirely",
            "is not a file written by net.save: it looks like",
        ),
        (lambda data: data.replace(b"xpnet-1", b"xpnet-9"), "has the format 'xpnet-9'; this version reads"),
    ],
)
def test_a_damaged_file_is_refused_by_name(damage, message, tmp_path):
    path = tmp_path / "mine.safetensors"
    TwoLayerNet(6, 4, 3).save(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(xpnet.CheckpointError, match=rf"mine\.safetensors {message}"):
        xpnet.load(path)


def test_no_file():
    with pytest.raises(FileNotFoundError):
        xpnet.load("nowhere.safetensors")


class Double(Layer):
    def forward(self, x):
        return x * 2

    def backward(self, dout):
        return dout * 2


def test_a_layer_of_ones_own(tmp_path):
    net = Sequential([Affine(np.eye(6), np.zeros(6)), Double()])
    net.save(tmp_path / "net")
    with pytest.raises(
        xpnet.CheckpointError, match=r"needs a layer 'Double' of your own.*layers=\{'Double': Double\}"
    ):
        xpnet.load(tmp_path / "net")
    loaded = xpnet.load(tmp_path / "net", layers={"Double": Double})
    np.testing.assert_array_equal(loaded.predict(X), net.predict(X))


def test_loading_neither_unpickles_nor_needs_cupy(tmp_path):
    TwoLayerNet(6, 4, 3).save(tmp_path / "net")
    script = (
        "import sys; sys.modules['cupy'] = None; sys.modules['numba'] = None\n"
        "import pickle, xpnet\n"
        "pickle.load = pickle.loads = pickle.Unpickler = None\n"
        f"xpnet.use('numpy'); net = xpnet.load({str(tmp_path / 'net')!r})\n"
        "assert net.predict([[1.0] * 6]).shape == (1, 3)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=_with_path())


def _with_path():
    import os

    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def test_a_net_that_is_trained_meanwhile_is_saved_as_it_was_at_one_moment(tmp_path, monkeypatch):
    net = TwoLayerNet(6, 4, 3, seed=0)
    before, fingerprint = net.params["W1"].copy(), checkpoint.fingerprint

    def and_train(*saved):
        found = fingerprint(*saved)
        net.params["W1"] += 1
        return found

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "fingerprint", and_train)
        net.save(tmp_path / "net")
    np.testing.assert_array_equal(xpnet.load(tmp_path / "net").params["W1"], before)
