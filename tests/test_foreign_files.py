"""Files that are not saved nets: errors say what they are, and their advice brings the weights in."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import re
import struct
import zipfile

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import xpnet
from xpnet.layers import MatMul
from xpnet.nets import Sequential, TwoLayerNet

X = np.random.default_rng(0).normal(size=(5, 6))


def made(seed=0):
    return TwoLayerNet(6, 4, 3, weight_init_std=0.5, seed=seed)


@pytest.fixture
def path(tmp_path):
    made().save(tmp_path / "net.safetensors")
    return tmp_path / "net.safetensors"


def error_of(path):
    with pytest.raises(xpnet.CheckpointError) as error:
        xpnet.load(path)
    return str(error.value)


def metadata_of(path):
    with safe_open(path, "np") as file:
        return file.metadata()


def assert_brought_in(net, scale=1.0, tolerance=1e-6):
    np.testing.assert_allclose(net.params["W1"], scale * made().params["W1"], rtol=tolerance, atol=tolerance)
    net.predict(X)


def follow(error, net):
    """Run the line that an error advises, as a user would who copies it."""
    code = error[error.rindex("run: ") + len("run: ") :]
    exec(code, {"net": net})
    return net


def test_arrays_without_the_architecture(path):
    save_file(load_file(path), path)
    error = error_of(path)
    assert "was written by another tool: it is a whole safetensors file, without the architecture" in error
    assert "W1 (6, 4) float32" in error
    assert_brought_in(follow(error, made(seed=1)))


@pytest.mark.parametrize(
    ("matrix", "bias", "transposed"),
    [
        ("{}.weight", "{}.bias", True),
        ("model.layers.{}.weight", "model.layers.{}.bias", True),
        ("Dense_{}/kernel", "Dense_{}/bias", False),
        ("dense.{}.kernel", "dense.{}.bias", False),
    ],
)
def test_another_frameworks_arrays(matrix, bias, transposed, path):
    net, tensors = made(), {}
    for layer, number in (("2", 1), ("10", 2)):  # as text, 10 would be the first
        W = net.params[f"W{number}"]
        tensors[matrix.format(layer)] = W.T.copy() if transposed else W.copy()
        tensors[bias.format(layer)] = np.full(W.shape[1], number, "f4")
    save_file(tensors, path, {"format": "pt"} if transposed else None)
    error = error_of(path)
    assert matrix.format("2") in error
    assert ("PyTorch's matrices are (out, in)" in error) == transposed
    follow(error, other := made(seed=1))
    assert_brought_in(other)
    np.testing.assert_array_equal(other.params["W2"], net.params["W2"])
    np.testing.assert_array_equal(other.params["b2"], [2, 2, 2])


def test_layers_without_a_bias(tmp_path):
    save_file({"fc.weight": np.arange(6, dtype="f4").reshape(2, 3)}, tmp_path / "other")
    net = follow(error_of(tmp_path / "other"), Sequential([MatMul(np.zeros((3, 2)))]))
    np.testing.assert_array_equal(net.params["W1"], [[0, 3], [1, 4], [2, 5]])


@pytest.mark.parametrize(
    "tensors",
    [
        {"conv.weight": np.zeros((2, 1, 3, 3))},
        {"0.weight": np.zeros((2, 2)), "0.bias": np.zeros(2), "0.running_mean": np.zeros(2)},
        {"norm.weight": np.zeros(2), "norm.bias": np.zeros(2)},
        {"scale": np.zeros(2)},
        {"bias": np.zeros(2)},
        {f"{i}.weight": np.zeros((2, 2)) for i in range(13)},
        {},
    ],
    ids=lambda tensors: " ".join(list(tensors)[:3]),
)
def test_other_layers_are_left_to_the_reader(tensors, tmp_path):
    save_file(tensors, tmp_path / "other")
    error = error_of(tmp_path / "other")
    assert "net.params['W1'] = arrays[NAME] (arrays[NAME].T for one of PyTorch)" in error
    assert "update" not in error


def test_many_tensors_are_listed_in_short(tmp_path):
    save_file({f"layer{i}": np.zeros(2) for i in range(40)}, tmp_path / "other")
    assert "layer0 (2,) float64, " in error_of(tmp_path / "other")
    assert ", ... (40 in all)" in error_of(tmp_path / "other")


def test_arrays_made_half_precision(path):
    save_file({name: array.astype("f2") for name, array in load_file(path).items()}, path, metadata_of(path))
    error = error_of(path)
    assert "its arrays are float16, but float32 was saved: another tool has converted them" in error
    assert_brought_in(follow(error, made(seed=1)), tolerance=1e-3)


def test_arrays_trained_on_elsewhere(path):
    save_file(
        {name: array * np.float32(0.9) for name, array in load_file(path).items()}, path, metadata_of(path)
    )
    error = error_of(path)
    assert "another tool has changed them (it was trained on or converted elsewhere), or the file is" in error
    assert_brought_in(follow(error, made(seed=1)), 0.9)


def test_metadata_of_another_tool_beside_ours(path):
    save_file(load_file(path), path, {**metadata_of(path), "format": "pt"})
    error = error_of(path)
    assert "was written by another tool" in error
    assert_brought_in(follow(error, made(seed=1)))


def test_arrays_that_are_missing_or_renamed(path):
    arrays, metadata = load_file(path), metadata_of(path)
    save_file({"W1": arrays["W1"], "b1": arrays["b1"]}, path, metadata)
    assert "it holds W1 (6, 4) float32, b1 (4,) float32, and lacks W2, b2. " in error_of(path)
    save_file({f"net.{name}": array for name, array in arrays.items()}, path, metadata)
    error = error_of(path)
    assert "and lacks W1, b1, W2, b2. " in error
    assert "net.params['W1'] = arrays[NAME]" in error


def test_a_dtype_that_numpy_lacks(tmp_path):
    header = json.dumps({"w": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    header += b" " * (-len(header) % 8)
    (tmp_path / "net").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    assert "holds the dtype BF16, which NumPy lacks; convert its tensors to float32" in error_of(
        tmp_path / "net"
    )


def archive(*members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for member in members:
            file.writestr(member, b"content")
    return stream.getvalue()


def npz():
    stream = io.BytesIO()
    np.savez(stream, W1=np.zeros(3))
    return stream.getvalue()


def npy():
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


BEYOND = "net.params.update({'W1': ..., 'b1': ...}) brings its arrays in, matrices as (in, out)"
FROM_TORCH = "net.params.update({'W1': state['0.weight'].numpy().T, "
UNPACKED = "unpack it, and give the file that net.save wrote"
OURS = "give the file that net.save wrote"
GGUF = b"GGUF" + struct.pack("<IQQ", 3, 123, 5) + bytes(50)  # byte 8 is a brace, as in safetensors


@pytest.mark.parametrize(
    ("data", "kind", "advice"),
    [
        (archive("archive/data.pkl", "archive/data/0"), "a checkpoint of PyTorch (.pt, .pth)", FROM_TORCH),
        (npz(), "an archive of NumPy (.npz)", "net.params.update(numpy.load(path))"),
        (archive("config.json", "model.weights.h5"), "a model of Keras (.keras)", BEYOND),
        (archive("notes.txt"), "a zip archive", UNPACKED),
        (archive("notes.txt")[:30], "a piece of a zip archive", "download it again"),
        (npy(), "an array of NumPy (.npy)", "net.params['W1'] = numpy.load(path) brings it in"),
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "an HDF5 file", BEYOND),
        (b"GGUF" + bytes(50), "a GGUF file", BEYOND),
        (GGUF, "a GGUF file", BEYOND),
        (b"\x08\x0a\x12\x07pytorch", "an ONNX model", BEYOND),
        (b"\x08\x0a\x3a\x40\x0a\x10", "an ONNX model", BEYOND),
        (b"\x1c\0\0\0TFL3" + bytes(50), "a TensorFlow Lite model", BEYOND),
        (gzip.compress(b"content"), "a gzip file", UNPACKED),
        (bz2.compress(b"content"), "a bzip2 file", UNPACKED),
        (lzma.compress(b"content"), "an xz file", UNPACKED),
        (b"\x28\xb5\x2f\xfd" + bytes(50), "a Zstandard file", UNPACKED),
        (b"notes".ljust(257, b"\0") + b"ustar" + bytes(250), "a tar archive", UNPACKED),
        (pickle.dumps({"W1": [1, 2]}), "a pickle", BEYOND),
        (pickle.dumps({"W1": [1, 2]}, protocol=2), "a pickle, as older versions of PyTorch", FROM_TORCH),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS", "run git lfs pull"),
        (b"<!DOCTYPE html><title>404</title>", "a web page or XML", "download it again"),
        (b"\xef\xbb\xbf\n <html>404</html>", "a web page or XML", "download it again"),
        ("weights: später\n".encode() * 40, "text", OURS),
        ("weights:\xa01 é".encode()[:-1], "text", OURS),
        (("weights\r\n" + 300 * "🐈").encode("utf-16"), "text", OURS),
        (b'{"W1": [1, 2]}', "text", OURS),
        (b"weights {1, 2}", "text", OURS),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "a picture (PNG)", OURS),
        (b"\xff\xd8\xff\xe0" + bytes(50), "a picture (JPEG)", OURS),
        (b"GIF89a" + bytes(50), "a picture (GIF)", OURS),
        (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "a PDF document", OURS),
        (b"\0\0\x08\x03" + bytes(50), "an IDX file", OURS),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value[:24],  # archives hold the time
)
def test_other_kinds_of_files_are_named_and_not_opened(data, kind, advice, tmp_path):
    (tmp_path / "net").write_bytes(data)
    error = error_of(tmp_path / "net")
    assert f"net is not a file written by net.save: it looks like {kind}" in error
    assert f"; {advice}" in error


def test_the_advice_for_files_of_numpy_brings_the_arrays_in(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez(path, **made().params)
    error, net = error_of(path), made(seed=1)
    exec(re.search(r"net\.params\.update\(.*?\)\)", error)[0], {"net": net, "numpy": np, "path": path})
    assert_brought_in(net)
    np.save(tmp_path / "W1.npy", made().params["W1"])
    error, net = error_of(tmp_path / "W1.npy"), made(seed=1)
    exec(re.search(r"net\.params\[.*\)", error)[0], {"net": net, "numpy": np, "path": tmp_path / "W1.npy"})
    assert_brought_in(net)


@pytest.mark.parametrize("data", [b"", b"\0" * 7, bytes(range(200)), b"\xff" * 100])
def test_bytes_of_no_known_kind(data, tmp_path):
    (tmp_path / "net").write_bytes(data)
    assert "net is not a whole file written by net.save (" in error_of(tmp_path / "net")


@pytest.mark.parametrize("length", [1, 7, 8, 9, 100, 700])
@pytest.mark.parametrize("header", [0x268, 0x280, 0x380, 0x8B20])  # \x80\x02 would be a pickle's beginning
def test_a_piece_of_a_saved_net_is_not_taken_for_another_kind(header, length, tmp_path):
    data = header.to_bytes(8, "little") + b'{"W1":{"dtype":"F32",' + bytes(1000)
    (tmp_path / "net").write_bytes(data[:length])
    assert "net is not a whole file written by net.save (" in error_of(tmp_path / "net")
