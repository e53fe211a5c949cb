"""`xpnet predict`: pictures and arrays become what the net takes, and nothing is guessed."""

import re
import sys

import numpy as np
import pytest
from PIL import Image, ImageOps

import xpnet
from xpnet.cli._errors import Failure
from xpnet.cli._images import read_images


@pytest.fixture
def picture():
    """A grey picture of 8x8 pixels, light on dark, that is not symmetric."""
    return Image.fromarray(np.pad(np.arange(36, dtype=np.uint8).reshape(6, 6) * 7, 1))


@pytest.fixture
def row(picture):
    return (np.asarray(picture, np.float32) / np.float32(255)).reshape(1, 64)


def test_digits_are_told_with_their_probabilities(cli, tmp_path, digits_model):
    _, (x, t) = xpnet.datasets.digits()
    np.save(tmp_path / "batch.npy", x[:20])
    np.save(tmp_path / "one.npy", x[0])
    net = xpnet.load(digits_model, backend="numpy")
    expected = xpnet.softmax(net.predict(x[:20]))
    lines = cli.output("predict", digits_model, "batch.npy", "one.npy", "--backend", "numpy").splitlines()
    assert len(lines) == 21
    assert lines[-1] == lines[0].replace("batch.npy[0]", "one.npy")
    for number, line in enumerate(lines[:20]):
        order = np.argsort(-expected[number])[:3]
        best, second, third = [f"{label} ({expected[number, label]:.4f})" for label in order]
        assert line == f"batch.npy[{number}]: {best}, then {second}, {third}"
    told = [int(re.search(r": (\d)", line).group(1)) for line in lines[:20]]
    assert np.mean(told == t[:20]) >= 0.9


def test_a_net_without_an_answer_is_one_line(cli, tmp_path):
    net = xpnet.nets.TwoLayerNet(64, 5, 10, seed=0)
    net.params["W2"][...] = np.nan
    net.save(tmp_path / "nan.safetensors")
    np.save(tmp_path / "batch.npy", np.ones((3, 64), np.float32))
    for command in (("predict", "nan.safetensors", "batch.npy"), ("evaluate", "nan.safetensors")):
        assert "nan.safetensors: the net's output for sample 0 is NaN" in cli.error(*command)
        assert cli(*command).exit_code == 1


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "RGBA", "LA"])
def test_a_png_of_any_mode_is_its_grey_pixels(tmp_path, picture, row, mode):
    picture.convert(mode).save(tmp_path / "a.png")
    images = read_images(tmp_path / "a.png", 64)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images, row, atol=1e-6, strict=True)


def test_a_png_of_16_bits_is_scaled_and_not_clipped(tmp_path, picture, row):
    Image.fromarray(np.asarray(picture).astype(np.uint16) * 257).save(tmp_path / "a.png")
    np.testing.assert_allclose(read_images(tmp_path / "a.png", 64), row, atol=1e-6, strict=True)


def test_transparent_parts_are_white(tmp_path, picture, row):
    Image.merge("LA", (Image.new("L", (8, 8), 0), picture)).save(tmp_path / "ink.png")
    images = read_images(tmp_path / "ink.png", 64, invert=True)
    np.testing.assert_allclose(images, row, atol=1 / 255, strict=True)


def test_invert_swaps_dark_and_light(tmp_path, picture, row):
    ImageOps.invert(picture).save(tmp_path / "scan.png")
    np.testing.assert_allclose(read_images(tmp_path / "scan.png", 64, invert=True), row, atol=1e-6)
    np.testing.assert_allclose(read_images(tmp_path / "scan.png", 64), 1 - row, atol=1e-6)


def test_a_larger_picture_is_resized(tmp_path, picture, row):
    picture.resize((80, 80), Image.Resampling.NEAREST).save(tmp_path / "big.png")
    np.testing.assert_allclose(read_images(tmp_path / "big.png", 64), row, atol=1e-6, strict=True)


def test_a_tall_picture_keeps_its_proportions_on_a_dark_ground(tmp_path):
    Image.new("L", (40, 80), 255).save(tmp_path / "tall.png")
    image = read_images(tmp_path / "tall.png", 64).reshape(8, 8)
    np.testing.assert_array_equal(image, np.repeat([[0, 0, 1, 1, 1, 1, 0, 0]], 8, axis=0))


@pytest.mark.parametrize(
    ("shape", "count"),
    [((64,), 1), ((8, 8), 1), ((1, 8, 8), 1), ((3, 64), 3), ((3, 8, 8), 3), ((3, 1, 8, 8), 3)],
)
def test_arrays_of_the_nets_size(tmp_path, shape, count):
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.save(tmp_path / "a.npy", array)
    expected = array.reshape(count, 64).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(read_images(tmp_path / "a.npy", 64), expected, strict=True)
    np.save(tmp_path / "b.npy", array / 255)
    np.testing.assert_array_equal(read_images(tmp_path / "b.npy", 64), expected, strict=True)


@pytest.mark.parametrize("shape", [(16, 16), (2, 16, 16), (2, 1, 16, 16)])
def test_square_arrays_of_another_size_are_resized(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.ones(shape))
    expected = np.ones((shape[0] if len(shape) > 2 else 1, 64), np.float32)
    np.testing.assert_allclose(read_images(tmp_path / "a.npy", 64), expected, atol=1e-6, strict=True)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((5, 7)), r"has the shape \(5, 7\), but the net takes 64 numbers"),
        (np.zeros((16, 16, 3)), r"has the shape \(16, 16, 3\)"),
        (np.zeros(50), r"has the shape \(50,\)"),
        (np.zeros((2, 3, 16, 16)), r"has the shape \(2, 3, 16, 16\)"),
        (np.zeros((0, 64)), "holds no image"),
        (np.zeros(64, np.int64), "holds int64; save uint8"),
        (np.full(64, 16.0), "holds floats from 16 to 16"),
        (np.full(64, np.nan), "holds floats from nan"),
        (np.full(64, {}, dtype=object), r"is no whole \.npy file of numbers"),
    ],
)
def test_an_array_that_is_no_image_is_refused(tmp_path, array, words):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(Failure, match=words):
        read_images(tmp_path / "a.npy", 64)


@pytest.mark.parametrize("name", ["a.npy", "a.png"])
@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n"])
def test_a_file_of_something_else_is_one_line(cli, tmp_path, digits_model, name, content):
    (tmp_path / name).write_bytes(content)
    assert f"Error: {name} " in cli.error("predict", digits_model, name)


def test_a_damaged_png_is_one_line_wherever_it_breaks(tmp_path, picture):
    picture.resize((40, 40)).save(tmp_path / "good.png")
    good = (tmp_path / "good.png").read_bytes()
    refused = 0
    for position in range(0, len(good), 7):
        bad = bytearray(good)
        bad[position] ^= 0xFF
        for content in (bytes(bad), good[:position]):
            (tmp_path / "bad.png").write_bytes(content)
            try:
                read_images(tmp_path / "bad.png", 64)
            except Failure:  # any other error fails the test
                refused += 1
    assert refused > len(good) / 7


def test_a_picture_too_large_to_be_one_is_refused(tmp_path, picture, monkeypatch):
    picture.save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(Failure, match="is no whole picture"):
        read_images(tmp_path / "a.png", 64)


def test_a_net_of_no_square_size_takes_no_picture_of_another(tmp_path, picture):
    picture.save(tmp_path / "a.png")
    with pytest.raises(Failure, match="has 8x8 pixels, but the net takes 50 numbers"):
        read_images(tmp_path / "a.png", 50)


def test_a_picture_without_pillow_says_what_to_install(cli, tmp_path, digits_model, picture, monkeypatch):
    picture.save(tmp_path / "a.png")
    np.save(tmp_path / "a.npy", np.asarray(picture))
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert "pip install pillow" in cli.error("predict", digits_model, "a.png")
    assert cli.output("predict", digits_model, "a.npy").startswith("a.npy: ")


@pytest.mark.parametrize(("options", "advice"), [((), "with --invert"), (("--invert",), "without --invert")])
def test_a_light_ground_is_pointed_out_and_not_mended(cli, tmp_path, digits_model, picture, options, advice):
    dark, light = picture, ImageOps.invert(picture)
    expected, surprising = (dark, light) if not options else (light, dark)
    expected.save(tmp_path / "expected.png")
    surprising.save(tmp_path / "surprising.png")
    assert cli("predict", digits_model, "expected.png", *options).stderr == ""
    hint = cli("predict", digits_model, "surprising.png", *options).stderr
    assert hint.startswith("xpnet: surprising.png is dark on light")
    assert f"try {advice}" in hint
