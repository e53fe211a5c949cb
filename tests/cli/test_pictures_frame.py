"""The frames of MNIST and of the digits: size, place and contrast of a drawn digit."""

import re

import numpy as np
import pytest
from drawn_digits import box, draw_digit
from PIL import Image, ImageDraw, ImageOps

import xpnet
from xpnet.cli._images import read_images
from xpnet.cli.pictures import prepare

SIDE, BOX = 28, 20


def assert_in_frame(image):
    """Check what LeCun et al. describe: a box of 20 pixels, the centre of mass in the middle."""
    _, _, height, width = box(image)
    assert max(height, width) in (BOX - 1, BOX)
    middles = np.arange(SIDE) + 0.5
    centre = [image.sum(axis) @ middles / image.sum() for axis in (1, 0)]
    assert np.abs(np.array(centre) - 14.5).max() <= 0.55
    assert image.min() == 0
    assert image.max() == 1


@pytest.mark.parametrize("size", [(280, 280), (640, 480), (90, 200)])
@pytest.mark.parametrize("at", [(0.5, 0.5), (0.3, 0.35), (0.75, 0.6)])
@pytest.mark.parametrize(("share", "brush"), [(0.5, 0.08), (0.5, 0.02), (0.2, 0.15)])
def test_a_drawn_digit_of_any_size_at_any_place(prepared, size, at, share, brush):
    height = round(share * min(size))
    picture = draw_digit(2, size=size, at=at, height=height, brush=max(1, round(brush * height)))
    image, notes = prepared(picture)
    assert_in_frame(image)
    assert notes[0] == "dark on light: inverted"
    assert re.fullmatch(rf"cut to \d+x\d+ pixels at \(\d+, \d+\) of {size[0]}x{size[1]}", notes[1])
    assert notes[2] == "scaled to {}x{} in the frame of MNIST".format(*box(image)[:1:-1])


def test_the_notes_give_the_box_of_the_ink(prepared):
    picture = Image.new("L", (300, 200), 255)
    ImageDraw.Draw(picture).rectangle((60, 40, 60 + 55, 40 + 109), fill=0)
    image, notes = prepared(picture)
    assert notes == (
        "dark on light: inverted",
        "cut to 56x110 pixels at (60, 40) of 300x200",
        "scaled to 10x20 in the frame of MNIST",
    )
    expected = np.zeros((SIDE, SIDE), np.float32)
    expected[4:24, 9:19] = 1
    # The middle of 20x10 pixels is put at 14 or 15 of the distances 14..15 that MNIST has.
    assert any(
        np.array_equal(image, np.roll(expected, (down, right), (0, 1))) for down in (0, 1) for right in (0, 1)
    )


@pytest.mark.parametrize("digit", [1, 4, 8])
def test_where_the_digit_lies_makes_no_difference(prepared, digit):
    centred, _ = prepared(draw_digit(digit, height=100, brush=9))
    for at in ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)):
        moved, _ = prepared(draw_digit(digit, height=100, brush=9, at=at))
        np.testing.assert_allclose(moved, centred, atol=0.15)


def test_digits_in_their_frame_stay_as_they_are(tmp_path):
    (x, _), _ = xpnet.datasets.digits(normalize=False)
    for row in x[::8]:
        picture = Image.fromarray((row.reshape(8, 8) * 15).astype(np.uint8))
        for dark in (False, True):
            (ImageOps.invert(picture) if dark else picture).save(tmp_path / "a.png")
            image, notes = prepare(tmp_path / "a.png", 64)
            np.testing.assert_allclose(image[0], row * np.float32(15 / 255), atol=1e-6)
            assert notes == (("dark on light: inverted",) if dark else ())


def test_the_digits_have_a_frame_of_their_own(tmp_path):
    for digit in range(10):
        draw_digit(digit, size=(640, 480), height=150, brush=12, at=(0.3, 0.6)).save(tmp_path / "a.png")
        x, notes = prepare(tmp_path / "a.png", 64)
        image = x.reshape(8, 8)
        assert notes[-1].endswith("in the frame of digits")
        assert image[0].max() > 0.1  # the ink touches the first row and the last
        assert image[-1].max() > 0.1
        assert not image[:, [0, 7]].any()  # at most 20 of 32 fine pixels wide, in the middle
        assert image.mean() > 0.25  # 0.306 on the average of the set


def moved(row, side, top, left):
    """A digit of 8x8 pixels drawn `side` pixels high on a canvas of 280x280."""
    canvas = Image.new("L", (280, 280))
    picture = Image.fromarray((row.reshape(8, 8) * 255).astype(np.uint8))
    canvas.paste(picture.resize((side, side), Image.Resampling.BICUBIC), (left, top))
    return canvas


@pytest.mark.parametrize(("side", "top", "left"), [(280, 0, 0), (120, 10, 150), (160, 60, 60)])
def test_digits_anywhere_are_told_by_a_net_of_64_inputs(tmp_path, digits_model, side, top, left):
    """0.37 and 0.1 without a frame; blurred from 8x8 pixels they are not what the set was made from."""
    _, (x, t) = xpnet.datasets.digits()
    net = xpnet.load(digits_model, backend="numpy")
    right = 0
    for row, label in zip(x[:50], t[:50], strict=True):
        moved(row, side, top, left).save(tmp_path / "a.png")
        right += int(net.predict(read_images(tmp_path / "a.png", 64)).argmax()) == label
    assert right >= 43


def test_an_image_of_the_nets_size_filled_from_border_to_border_stays(prepared):
    """Fashion-MNIST fills its square; cutting and shrinking it would be wrong."""
    values = np.zeros((SIDE, SIDE), np.uint8)
    values[0:28, 8:20] = np.arange(28 * 12).reshape(28, 12) % 200 + 30
    image, notes = prepared(Image.fromarray(values))
    np.testing.assert_allclose(image, values / np.float32(255), atol=1e-6)
    assert notes == ("28x28 pixels filled from border to border: taken as they are",)


def test_a_digit_of_the_nets_size_out_of_its_frame_is_brought_into_it(prepared):
    picture = draw_digit(3, size=(28, 28), height=12, brush=2, at=(0.3, 0.3), ground=0, ink=255)
    image, notes = prepared(picture)
    assert_in_frame(image)
    assert notes[0].startswith("cut to ")


def test_no_frame_only_resizes(prepared):
    picture = draw_digit(3, at=(0.3, 0.3), height=100, brush=10, ground=0, ink=255)
    image, notes = prepared(picture, frame=False)
    expected = np.asarray(picture, np.float32).reshape(28, 10, 28, 10).mean((1, 3)) / 255
    np.testing.assert_allclose(image, expected, atol=1e-5)
    assert notes == ()


@pytest.mark.parametrize("inputs", [100, 256])
def test_nets_of_other_sizes_have_no_frame(tmp_path, inputs):
    picture = draw_digit(3, at=(0.3, 0.3), height=100, brush=10, ground=0, ink=255)
    picture.save(tmp_path / "a.png")
    framed, plain = (prepare(tmp_path / "a.png", inputs, frame=frame) for frame in (True, False))
    np.testing.assert_array_equal(framed.x, plain.x, strict=True)
    assert framed.notes == (f"no frame is known for nets of {inputs} inputs: only resized",)
    assert plain.notes == ()


def test_a_large_photo_is_found_at_its_full_size(prepared):
    picture = draw_digit(4, size=(3000, 2000), height=900, brush=60, at=(0.3, 0.5))
    image, notes = prepared(picture)
    assert_in_frame(image)
    width, height = map(int, re.search(r"cut to (\d+)x(\d+)", notes[1]).groups())
    ink = np.asarray(picture) < 128
    assert abs(height - ink.any(1).sum()) <= 3  # reduced by 3 to be searched
    assert abs(width - ink.any(0).sum()) <= 3
