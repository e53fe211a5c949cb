"""Saved files: equal nets make equal files, and a net's input range and classes are kept."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

import xpnet
from xpnet.nets import MultiLayerNet, TwoLayerNet

X = np.random.default_rng(0).integers(0, 17, (30, 6)).astype(np.uint8)
T = np.array(["cat", "dog", "emü"])[np.arange(30) % 3]


def trained():
    net = TwoLayerNet(6, 4, 3, weight_init_std=0.5, seed=0)
    net.fit(X, T, seed=0, verbose=False)
    return net


def test_equal_nets_make_equal_files(tmp_path):
    nets = [trained() for _ in range(3)]
    nets += [nets[0].copy(), nets[0]]
    for number, net in enumerate(nets * 3):
        net.save(tmp_path / f"{number}")
    assert len({(tmp_path / f"{number}").read_bytes() for number in range(3 * len(nets))}) == 1


def test_so_they_do_in_other_processes(tmp_path):
    code = "import sys, xpnet; xpnet.nets.TwoLayerNet(6, 4, 3, seed=0).save(sys.argv[1])"
    TwoLayerNet(6, 4, 3, seed=0).save(tmp_path / "here")
    for seed in ("0", "1", "2"):
        paths = os.pathsep.join(path for path in sys.path if path)
        environment = os.environ | {"PYTHONPATH": paths, "PYTHONHASHSEED": seed, "XPNET_BACKEND": "numpy"}
        subprocess.run([sys.executable, "-c", code, tmp_path / seed], check=True, env=environment)
    names = ("here", "0", "1", "2")
    assert len({hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in names}) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_safetensors_own_reader_takes_them(dtype, tmp_path):
    net = MultiLayerNet(6, [5, 4], 3, seed=0, dtype=dtype)
    net.save(tmp_path / "net")
    for name, array in load_file(tmp_path / "net").items():
        np.testing.assert_array_equal(array, net.params[name], strict=True)
    with safe_open(tmp_path / "net", "np") as file:
        assert sorted(file.metadata()) == ["format", "net", "sha256"]
        np.testing.assert_array_equal(file.get_tensor("W2"), net.params["W2"])
    assert int.from_bytes((tmp_path / "net").read_bytes()[:8], "little") % 8 == 0


def test_the_input_range_and_the_classes_are_kept(tmp_path, backend):
    net = trained()
    net.save(tmp_path / "net")
    loaded = xpnet.load(tmp_path / "net")
    assert loaded.input_range == (0, 16)
    assert loaded.classes_.tolist() == ["cat", "dog", "emü"]
    assert loaded.accuracy(X, T) == net.accuracy(X, T)
    np.testing.assert_array_equal(xpnet.to_numpy(loaded.predict(X)), xpnet.to_numpy(net.predict(X)))


def test_a_net_without_them_has_none_in_its_file(tmp_path):
    TwoLayerNet(6, 4, 3).save(tmp_path / "net")
    with safe_open(tmp_path / "net", "np") as file:
        assert not {"input_range", "classes"} & set(json.loads(file.metadata()["net"]))
    loaded = xpnet.load(tmp_path / "net")
    assert (loaded.input_range, loaded.classes_) == (None, None)


@pytest.mark.parametrize("input_range", [(0, 255), (0, 1), (-0.1, 1 / 3), (1e-300, 65535)])
def test_every_input_range_is_kept_to_the_last_bit(input_range, tmp_path):
    net = TwoLayerNet(6, 4, 3)
    net.input_range = input_range
    net.save(tmp_path / "net")
    assert xpnet.load(tmp_path / "net").input_range == input_range


@pytest.mark.parametrize("names", [["10", "2", "1"], ["", 'a "b"', "a\\\n"], ["né", "🐈", "\ud800"]])
def test_every_name_of_a_class_is_kept_in_its_place(names, tmp_path):
    net = TwoLayerNet(6, 4, 3, seed=0)
    net.classes_ = names
    net.save(tmp_path / "net")
    loaded = xpnet.load(tmp_path / "net")
    assert loaded.classes_.tolist() == names
    assert loaded.accuracy(X / 16, [names[0]] * 30) == net.accuracy(X / 16, [0] * 30)
