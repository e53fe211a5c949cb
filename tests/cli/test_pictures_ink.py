"""Ground and ink: a digit is found on every ground and among disturbances; empty pictures are refused."""

import re

import numpy as np
import pytest
from drawn_digits import box, draw_digit
from PIL import Image, ImageDraw, ImageOps

from xpnet.cli._errors import Failure
from xpnet.cli._images import read_images

GROUNDS = {
    "black on white": lambda d: draw_digit(d),
    "white on black": lambda d: draw_digit(d, ground=0, ink=255),
    "dark grey on light grey": lambda d: draw_digit(d, ground=180, ink=120),
    "light grey on dark grey": lambda d: draw_digit(d, ground=60, ink=120),
    "black on transparent": lambda d: draw_digit(d, mode="LA", ground=(255, 0), ink=(0, 255)),
    "black on transparent black": lambda d: draw_digit(d, mode="LA", ground=(0, 0), ink=(0, 255)),
    "white on transparent": lambda d: draw_digit(d, mode="LA", ground=(0, 0), ink=(255, 255)),
    "white on transparent white": lambda d: draw_digit(
        d, mode="RGBA", ground=(255,) * 3 + (0,), ink=(255,) * 4
    ),
    "blue on transparent": lambda d: draw_digit(d, mode="RGBA", ground=(0,) * 4, ink=(20, 30, 200, 255)),
    "half transparent ink": lambda d: draw_digit(d, mode="LA", ground=(0, 0), ink=(0, 120)),
    "16 bits": lambda d: Image.fromarray(np.asarray(draw_digit(d)).astype(np.uint16) * 257),
    "16 bits, 12 used": lambda d: Image.fromarray(np.asarray(draw_digit(d)).astype(np.uint16) * 16),
    "1 bit": lambda d: draw_digit(d).convert("1"),
    "palette": lambda d: draw_digit(d, mode="RGB", ground=(250, 240, 190), ink=(90, 0, 0)).convert("P"),
}


@pytest.mark.parametrize("ground", GROUNDS)
def test_every_ground_gives_the_same_image(prepared, ground):
    expected, _ = prepared(draw_digit(2))
    image, notes = prepared(GROUNDS[ground](2))
    np.testing.assert_allclose(image, expected, atol=0.05)
    dark = ground not in (
        "white on black",
        "light grey on dark grey",
        "white on transparent",
        "white on transparent white",
    )
    assert ("dark on light: inverted" in notes) == dark


def test_transparent_corners_of_an_opaque_picture_are_ground(prepared):
    picture = draw_digit(5, mode="LA", ground=(255, 255), ink=(0, 255))
    ImageDraw.Draw(picture).rectangle((0, 0, 40, 20), fill=(0, 0))
    expected, _ = prepared(draw_digit(5))
    np.testing.assert_allclose(prepared(picture)[0], expected, atol=0.02)
    assert box(expected)[2] == 20


@pytest.mark.parametrize("invert", [True, False])
def test_invert_decides_against_what_is_seen(prepared, invert):
    dark = draw_digit(3)
    picture = dark if invert else ImageOps.invert(dark)
    np.testing.assert_array_equal(prepared(picture, invert=invert)[0], prepared(dark)[0])
    # The other way round the ground is the ink: nothing like the digit.
    wrong, _ = prepared(picture, invert=not invert)
    assert np.abs(wrong - prepared(dark)[0]).mean() > 0.2


def with_line_around(picture, width=2, inset=0, ink=0):
    w, h = picture.size
    ImageDraw.Draw(picture).rectangle((inset, inset, w - 1 - inset, h - 1 - inset), outline=ink, width=width)
    return picture


def with_specks(picture, radius=1, ink=20):
    for x, y in ((20, 15), (600, 30), (590, 460), (30, 450), (320, 10)):
        ImageDraw.Draw(picture).ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)
    return picture


def with_side_line(picture):
    ImageDraw.Draw(picture).rectangle((0, 0, picture.width, 6), fill=0)
    return picture


def noisy(picture, deviation):
    noise = np.random.default_rng(0).normal(0, deviation, picture.size[::-1])
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def shaded(picture, share):
    y, x = np.mgrid[: picture.height, : picture.width]
    light = 1 - share * (x / picture.width + y / picture.height) / 2
    return Image.fromarray((np.asarray(picture) * light).astype(np.uint8))


def in_hard_shadow(picture, share):
    y, x = np.mgrid[: picture.height, : picture.width]
    return Image.fromarray((np.asarray(picture) * np.where(x + y / 2 > 450, 1 - share, 1)).astype(np.uint8))


DISTURBED = {
    "line of 1 around": lambda p: with_line_around(p, 1),
    "line of 8 around": lambda p: with_line_around(p, 8),
    "line inside the border": lambda p: with_line_around(p, 2, inset=10),
    "line along one side": with_side_line,
    "specks": with_specks,
    "larger specks": lambda p: with_specks(p, 4),
    "noise": lambda p: noisy(p, 10),
    "much noise": lambda p: noisy(p, 40),
    "gradient": lambda p: shaded(p, 0.6),
    "photo": lambda p: noisy(shaded(p, 0.4), 5),
    "hard shadow": lambda p: noisy(in_hard_shadow(p, 0.3), 4),
}


@pytest.mark.parametrize("disturbance", DISTURBED)
def test_what_is_not_the_digit_does_not_move_it(prepared, disturbance):
    def plain():
        return draw_digit(9, size=(640, 480), height=200, brush=18, at=(0.4, 0.6), ground=235, ink=20)

    expected, _ = prepared(plain())
    image, _ = prepared(DISTURBED[disturbance](plain()))
    assert box(np.where(image > 0.15, image, 0))[2:] == box(expected)[2:]
    assert box(expected)[2] == 20
    assert np.corrcoef(image.ravel(), expected.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("quality", [95, 60, 20])
def test_what_jpeg_adds_around_strokes_does_not_grow_the_box(prepared, quality):
    picture = draw_digit(7, size=(640, 480), height=200, brush=14, at=(0.3, 0.4))
    expected, _ = prepared(picture)
    image, notes = prepared(picture, "a.jpg", options={"quality": quality})
    width, height = map(int, re.search(r"cut to (\d+)x(\d+)", notes[1]).groups())
    ink = np.asarray(picture) < 128
    assert abs(height - ink.any(1).sum()) <= 8  # a block of JPEG
    assert abs(width - ink.any(0).sum()) <= 8
    assert np.corrcoef(image.ravel(), expected.ravel())[0, 1] > 0.95


def test_a_line_of_one_pixel_stays_visible(prepared):
    image, _ = prepared(draw_digit(0, size=(640, 480), height=440, brush=1))
    assert box(image)[2] == 20
    assert image.max() == 1
    assert image[image > 0.1].mean() > 0.3


EMPTY = {
    "white": Image.new("L", (280, 280), 255),
    "black": Image.new("L", (640, 480)),
    "one pixel": Image.new("L", (1, 1), 7),
    "the net's size": Image.new("L", (28, 28), 255),
    "transparent": Image.new("RGBA", (280, 280)),
    "opaque white": Image.new("RGBA", (280, 280), "white"),
    "nearly white": noisy(Image.new("L", (280, 280), 255), 2),
    "faint noise": noisy(Image.new("L", (640, 480), 128), 5),
    "noise on white": noisy(Image.new("L", (640, 480), 255), 10),
    "noise of the net's size": noisy(Image.new("L", (28, 28), 200), 5),
    "gradient": Image.linear_gradient("L"),
    "noise in a shadow": noisy(shaded(Image.new("L", (640, 480), 220), 0.6), 5),
    "a border alone": with_line_around(Image.new("L", (280, 280), 255)),
    "specks alone": with_specks(Image.new("L", (640, 480), 255)),
}


@pytest.mark.parametrize("frame", [True, False])
@pytest.mark.parametrize("inputs", [784, 64, 100])
@pytest.mark.parametrize("kind", ["white", "black", "transparent", "opaque white"])
def test_an_empty_picture_is_refused_by_every_net(tmp_path, kind, inputs, frame):
    EMPTY[kind].save(tmp_path / "a.png")
    with pytest.raises(Failure, match=r"a\.png is empty: all "):
        read_images(tmp_path / "a.png", inputs, frame=frame)


@pytest.mark.parametrize("inputs", [784, 64])
@pytest.mark.parametrize("form", ["png", "jpg"])
@pytest.mark.parametrize("kind", EMPTY)
def test_a_picture_without_a_stroke_is_refused(tmp_path, kind, form, inputs):
    picture = EMPTY[kind] if form == "png" else EMPTY[kind].convert("L")
    path = tmp_path / f"a.{form}"
    picture.save(path)
    with pytest.raises(Failure, match=rf"a\.{form} is empty: .*; give a picture with a digit"):
        read_images(path, inputs)
