"""`xpnet predict`: what it prints, which options it takes, and the arrays of .npy files."""

import re
import sys

import numpy as np
import pytest
from drawn_digits import draw_digit
from PIL import Image, ImageOps

import xpnet
from xpnet.cli._errors import Failure
from xpnet.cli._images import read_images
from xpnet.cli.pictures import as_blocks, prepare


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


def test_invert_swaps_dark_and_light(tmp_path, picture, row):
    ImageOps.invert(picture).save(tmp_path / "scan.png")
    inverted = read_images(tmp_path / "scan.png", 64, True, frame=False)
    np.testing.assert_allclose(inverted, row, atol=1e-6)
    for invert in (None, False):
        as_it_is = read_images(tmp_path / "scan.png", 64, invert, frame=False)
        np.testing.assert_allclose(as_it_is, 1 - row, atol=1e-6)


def test_a_larger_picture_is_resized(tmp_path, picture, row):
    picture.resize((80, 80), Image.Resampling.NEAREST).save(tmp_path / "big.png")
    resized = read_images(tmp_path / "big.png", 64, frame=False)
    np.testing.assert_allclose(resized, row, atol=1e-6, strict=True)


def test_a_tall_picture_keeps_its_proportions_on_a_dark_ground(tmp_path):
    tall = Image.new("L", (40, 80), 255)
    tall.paste(0, (0, 0, 40, 10))
    tall.save(tmp_path / "tall.png")
    image = read_images(tmp_path / "tall.png", 64, frame=False).reshape(8, 8)
    expected = np.repeat([[0, 0, 1, 1, 1, 1, 0, 0]], 8, axis=0)
    expected[0] = 0
    np.testing.assert_array_equal(image, expected)


def test_transparent_parts_are_white_where_a_picture_is_only_resized(tmp_path, picture, row):
    Image.merge("LA", (Image.new("L", (8, 8), 0), picture)).save(tmp_path / "ink.png")
    images = read_images(tmp_path / "ink.png", 64, invert=True, frame=False)
    np.testing.assert_allclose(images, row, atol=1 / 255, strict=True)


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
    rows = np.random.default_rng(0).random((8, 8))
    np.save(tmp_path / "a.npy", np.broadcast_to(np.kron(rows, np.ones((2, 2))), shape))
    count = shape[0] if len(shape) > 2 else 1
    expected = np.repeat(rows.reshape(1, 64), count, 0).astype(np.float32)
    images = read_images(tmp_path / "a.npy", 64, frame=False)
    np.testing.assert_allclose(images, expected, atol=1e-6, strict=True)


def test_arrays_of_another_size_are_framed_as_pictures_are(cli, tmp_path, digits_model):
    drawn = [draw_digit(digit, size=(100, 100), height=60, brush=8) for digit in range(3)]
    drawn[1] = ImageOps.invert(drawn[1])
    np.save(tmp_path / "a.npy", np.stack([np.asarray(picture) for picture in drawn]))
    for image, picture in zip(read_images(tmp_path / "a.npy", 64), drawn, strict=True):
        picture.save(tmp_path / "a.png")
        np.testing.assert_array_equal(image, read_images(tmp_path / "a.png", 64)[0], strict=True)
    assert cli("predict", digits_model, "a.npy").stderr == (
        "xpnet: a.npy: 3 of 3 images cut to their ink and scaled, 2 of them inverted\n"
    )
    np.save(tmp_path / "a.npy", np.zeros((2, 100, 100), np.uint8))
    assert cli.error("predict", digits_model, "a.npy").startswith("Error: a.npy[0] is empty: ")


@pytest.mark.parametrize(("low", "high"), [(0, 255), (0, 16), (10, 50)])
def test_the_input_range_says_which_uint8_become_0_and_1(tmp_path, low, high):
    array = np.linspace(low, high, 64).astype(np.uint8).reshape(1, 64)
    np.save(tmp_path / "a.npy", array)
    x, notes = prepare(tmp_path / "a.npy", 64, input_range=(low, high))
    np.testing.assert_allclose(x, (array - np.float32(low)) / np.float32(high - low), strict=True)
    assert notes == ()


def test_uint8_far_from_the_input_range_are_pointed_out(cli, tmp_path, digits_model):
    _, (x, _) = xpnet.datasets.digits(normalize=False)
    np.save(tmp_path / "raw.npy", x[:5])
    net = xpnet.load(digits_model, backend="numpy")
    net.input_range = None
    net.save(tmp_path / "unknown")
    assert cli("predict", "unknown", "raw.npy").stderr == (
        "xpnet: raw.npy: uint8 up to 16 only, and 255 counts as 1; if 16 is the brightest, save floats in "
        "0..1\n"
    )
    _, notes = prepare(tmp_path / "raw.npy", 64, input_range=(0, 16))
    assert notes == ()
    np.save(tmp_path / "raw.npy", (15 * x[:5]).astype(np.uint8))
    assert cli("predict", "unknown", "raw.npy").stderr == ""
    _, notes = prepare(tmp_path / "raw.npy", 64, input_range=(0, 16))
    assert notes == ("uint8 up to 240, but the net's inputs end at 16: some inputs are above 1",)


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
def test_a_light_ground_is_pointed_out_and_not_mended_without_a_frame(
    cli, tmp_path, digits_model, picture, options, advice
):
    dark, light = picture, ImageOps.invert(picture)
    expected, surprising = (dark, light) if not options else (light, dark)
    expected.save(tmp_path / "expected.png")
    surprising.save(tmp_path / "surprising.png")
    assert cli("predict", digits_model, "expected.png", "--no-frame", *options).stderr == ""
    hint = cli("predict", digits_model, "surprising.png", "--no-frame", *options).stderr
    assert hint == f"xpnet: surprising.png: dark on light; if the net knows light on dark, try {advice}\n"


def test_what_was_done_to_a_picture_is_one_line_on_stderr(cli, tmp_path, digits_model):
    draw_digit(3, size=(200, 120), height=80, brush=8, at=(0.3, 0.5)).save(tmp_path / "a.png")
    result = cli("predict", digits_model, "a.png")
    assert re.fullmatch(
        r"xpnet: a\.png: dark on light: inverted, cut to \d+x\d+ pixels at \(\d+, \d+\) of 200x120, "
        r"scaled to \dx8 in the frame of digits\n",
        result.stderr,
    )
    assert re.fullmatch(r"a\.png: \d \(0\.\d{4}\), then .*\n", result.stdout)


def test_an_empty_picture_is_one_line(cli, tmp_path, digits_model):
    picture = Image.new("L", (200, 120), 255)
    picture.save(tmp_path / "a.png")
    line = "Error: a.png is empty: all its pixels are of about one grey; give a picture with a digit"
    assert cli.error("predict", digits_model, "a.png") == line
    picture.putpixel((5, 5), 250)
    picture.save(tmp_path / "a.png")
    assert cli.error("predict", digits_model, "a.png") == f"{line}, or --no-frame to take it as it is"
    assert cli.output("predict", digits_model, "a.png", "--no-frame").startswith("a.png: ")


def test_show_prints_what_the_net_sees(cli, tmp_path, digits_model):
    np.save(tmp_path / "a.npy", np.eye(8, dtype=np.float32) * 0.75)
    *lines, answer = cli.output("predict", digits_model, "a.npy", "--show").splitlines()
    assert lines[0] == "┌" + "─" * 16 + "┐"
    assert lines[-1] == "└" + "─" * 16 + "┘"
    assert lines[1:-1] == ["│" + "  " * i + "▓▓" + "  " * (7 - i) + "│" for i in range(8)]
    assert answer.startswith("a.npy: ")


def test_show_prints_every_image_of_a_batch_before_its_line(cli, tmp_path, digits_model):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).random((3, 64)))
    lines = cli.output("predict", digits_model, "a.npy", "--show").splitlines()
    assert [line[:9] for line in lines[10::11]] == ["a.npy[0]:", "a.npy[1]:", "a.npy[2]:"]


def test_blocks_are_plain_characters_where_the_terminal_has_no_others():
    image = np.array([[0, 0.25], [0.5, 1]], np.float32)
    assert as_blocks(image, "ascii") == "+----+\n|  ..|\n|++@@|\n+----+"
    assert as_blocks(image, "utf-8") == "┌────┐\n│  ░░│\n│▒▒██│\n└────┘"
    assert as_blocks(image, "no such encoding") == as_blocks(image, "ascii")
    assert as_blocks(image) == as_blocks(image, "utf-8")


def test_arrays_are_scaled_by_the_input_range_of_the_net(cli, tmp_path):
    raw, scaled = (xpnet.datasets.digits(normalize=normalize) for normalize in (False, True))
    options = ("--epochs", 8, "--batch-size", 10, "--seed", 0, "--backend", "numpy")
    cli.output("train", *options, "--save", "net")
    np.save("raw.npy", raw.test.x)
    np.save("scaled.npy", scaled.test.x)
    by_raw, by_scaled = (cli("predict", "net", name) for name in ("raw.npy", "scaled.npy"))
    assert by_raw.stdout == by_scaled.stdout.replace("scaled.npy", "raw.npy")
    assert by_raw.stderr == by_scaled.stderr == ""
    np.save("bytes.npy", np.full((1, 64), 255, np.uint8))
    assert "uint8 up to 255, but the net's inputs end at 16" in cli("predict", "net", "bytes.npy").stderr


def test_inputs_of_a_net_that_takes_them_as_given_may_reach_beyond_one(cli, tmp_path):
    x = np.random.default_rng(0).normal(size=(30, 64))
    with xpnet.using("numpy"):
        net = xpnet.nets.TwoLayerNet(64, 5, 3, seed=0)
        net.fit(x, np.arange(30) % 3, verbose=False)
    net.save("net")
    np.save("x.npy", x)
    assert len(cli.output("predict", "net", "x.npy", "--backend", "numpy").splitlines()) == 30


def test_classes_are_called_by_their_names(cli, tmp_path):
    x = np.random.default_rng(0).random((30, 64)).astype("float32")
    names = np.array(["ant", "bee", "cat"])
    with xpnet.using("numpy"):
        net = xpnet.nets.TwoLayerNet(64, 5, 3, seed=0)
        net.fit(x, names[np.arange(30) % 3], verbose=False)
    net.save("net")
    np.save("x.npy", x[:1])
    (line,) = cli.output("predict", "net", "x.npy", "--backend", "numpy").splitlines()
    order = names[np.argsort(-net.predict(x[0]))]
    assert [
        word.split(" (")[0] for word in line.removeprefix("x.npy: ").replace("then ", "").split(", ")
    ] == [*order]
