"""Reading picture files: every mode, format and orientation becomes the same grey values."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from xpnet.cli._errors import Failure
from xpnet.cli.pictures.read import FORMATS, read_picture

# The transposition that each EXIF orientation undoes, so that the stored pixels are not upright.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
ORIENTATION = 0x0112


@pytest.fixture
def picture():
    """A grey picture of 12 rows and 20 columns without any symmetry."""
    rows = np.add.outer(np.arange(12) * 12, np.arange(20) * 5).astype(np.uint8)
    rows[:4, :6] = 250
    return Image.fromarray(rows)


@pytest.fixture
def grey(picture):
    return np.asarray(picture, np.float32) / np.float32(255)


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "RGBA", "LA"])
def test_a_png_of_any_mode_is_its_grey_pixels(tmp_path, picture, grey, mode):
    picture.convert(mode).save(tmp_path / "a.png")
    read = read_picture(tmp_path / "a.png")
    assert read.opacity is None
    assert read.notes == ()
    np.testing.assert_allclose(read.grey, grey, atol=1e-6, strict=True)


def test_a_png_of_1_bit_is_black_and_white(tmp_path, picture):
    bits = picture.point(lambda value: 255 * (value > 100)).convert("1")
    bits.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png").grey, np.asarray(bits, np.float32))


def test_a_png_of_16_bits_is_scaled_and_not_clipped(tmp_path, picture, grey):
    Image.fromarray(np.asarray(picture).astype(np.uint16) * 257).save(tmp_path / "a.png")
    np.testing.assert_allclose(read_picture(tmp_path / "a.png").grey, grey, atol=1e-6, strict=True)


def test_a_jpeg_of_cmyk_is_grey_and_not_inverted(tmp_path, picture, grey):
    picture.convert("RGB").convert("CMYK").save(tmp_path / "a.jpg", quality=100)
    read = read_picture(tmp_path / "a.jpg").grey
    assert np.abs(read - grey).mean() < 0.02


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_pixels(tmp_path, picture, grey, form):
    picture.save(tmp_path / "a", form, **({"quality": 100} if form in ("JPEG", "WEBP") else {}))
    read = read_picture(tmp_path / "a").grey
    assert read.shape == grey.shape
    assert np.abs(read - grey).mean() < (0.02 if form in ("JPEG", "WEBP") else 1e-6)


@pytest.mark.parametrize("form", ["TIFF", "PPM", "ICO"])
def test_other_formats_are_refused_and_the_known_ones_named(tmp_path, picture, form):
    picture.resize((16, 16)).save(tmp_path / "a.png", form)
    with pytest.raises(Failure, match="is no whole picture of a known format; give one of PNG, JPEG, BMP"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_read_upright(tmp_path, picture, grey, form, orientation):
    how = STORED[orientation]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = picture if how is None else picture.transpose(how)
    stored.save(tmp_path / "a", form, exif=exif, **({} if form == "PNG" else {"quality": 100}))
    with Image.open(tmp_path / "a") as saved:  # what every viewer shows
        shown = np.asarray(ImageOps.exif_transpose(saved).convert("L"), np.float32) / np.float32(255)
    read = read_picture(tmp_path / "a")
    np.testing.assert_allclose(read.grey, shown, atol=1e-6, strict=True)
    assert np.abs(read.grey - grey).mean() < 0.02
    assert any("turned upright" in note for note in read.notes) == (orientation > 1)


def test_the_opacity_is_turned_with_the_picture(tmp_path, picture, grey):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    alpha = Image.merge("LA", (Image.new("L", picture.size), picture))
    alpha.transpose(STORED[6]).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_allclose(read_picture(tmp_path / "a.png").opacity, grey, atol=1e-6, strict=True)


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0",
        b"Exif\0\0MM\0*\0\0\xff\xff",
        b"Exif\0\0nonsense nonsense",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0",
        # The orientation 9, and one that is a text.
        b"Exif\0\0II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHH", ORIENTATION, 3, 1, 9, 0) + b"\0\0\0\0",
        b"Exif\0\0II*\0\x08\0\0\0\x01\0" + struct.pack("<HHI4s", ORIENTATION, 2, 2, b"6\0\0\0") + b"\0\0\0\0",
    ],
)
def test_damaged_exif_data_leave_the_picture_as_it_is(tmp_path, picture, grey, exif):
    picture.save(tmp_path / "a.jpg", exif=exif, quality=100)
    read = read_picture(tmp_path / "a.jpg")
    assert read.notes == ()
    assert np.abs(read.grey - grey).mean() < 0.02


def transparent_ink(picture, mode):
    """The picture's values as the opacity of black ink; in a palette as one transparent index."""
    if mode == "P":
        bits = picture.point(lambda value: value > 100).convert("P")
        return bits, {"transparency": 0}
    if mode in ("L", "RGB"):
        return picture.point(lambda value: 255 * (value > 100)).convert(mode), {
            "transparency": 0 if mode == "L" else (0, 0, 0)
        }
    return Image.merge("LA", (Image.new("L", picture.size), picture)).convert(mode), {}


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "L", "RGB"])
def test_opacity_of_every_mode(tmp_path, picture, grey, mode):
    saved, options = transparent_ink(picture, mode)
    saved.save(tmp_path / "a.png", **options)
    opacity = read_picture(tmp_path / "a.png").opacity
    expected = grey if mode in ("LA", "RGBA") else (np.asarray(picture) > 100).astype(np.float32)
    np.testing.assert_allclose(opacity, expected, atol=1e-6, strict=True)


def test_a_transparent_value_of_16_bits(tmp_path):
    values = np.full((4, 6), 1000, np.uint16)
    values[1:3, 2:4] = 60000
    Image.fromarray(values).save(tmp_path / "a.png", transparency=1000)
    read = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(read.opacity, (values == 60000).astype(np.float32), strict=True)
    np.testing.assert_allclose(read.on(0.0), (values == 60000) * (60000 / 65535), atol=1e-6)


def test_the_first_frame_of_an_animation_is_taken(tmp_path, picture, grey):
    black = Image.new("L", picture.size)
    picture.save(tmp_path / "a.gif", save_all=True, append_images=[black, black])
    read = read_picture(tmp_path / "a.gif")
    assert np.abs(read.grey - grey).mean() < 0.02
    assert read.notes == ("first of 2 frames",)  # the two black ones are stored as one


@pytest.mark.parametrize("form", FORMATS)
def test_a_damaged_file_is_one_failure_wherever_it_breaks(tmp_path, picture, form):
    stream = io.BytesIO()
    picture.resize((40, 40)).save(stream, form)
    good = stream.getvalue()
    refused = 0
    for position in range(0, len(good), 1 + len(good) // 60):
        bad = bytearray(good)
        bad[position] ^= 0xFF
        for content in (bytes(bad), good[:position]):
            (tmp_path / "bad").write_bytes(content)
            try:
                read_picture(tmp_path / "bad")
            except Failure:  # any other error fails the test
                refused += 1
    assert refused > 20


@pytest.mark.parametrize("limit", [10, 150])
def test_a_picture_too_large_to_be_one_is_refused(tmp_path, picture, monkeypatch, limit):
    """Pillow refuses above twice the limit, and only warns between: 240 pixels are both."""
    picture.save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(Failure, match="is too large to be read as a picture"):
        read_picture(tmp_path / "a.png")
