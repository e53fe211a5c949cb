"""A newcomer's day: train on MNIST, draw ten digits in a paint program, and read every line printed."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from drawn_digits import draw_digit
from PIL import Image, ImageOps

import xpnet
from xpnet.cli import main
from xpnet.cli._images import read_images

pytestmark = pytest.mark.mnist

# Resolved now: it may be relative, and the tests change folder.
REAL = str(Path(data).expanduser().resolve()) if (data := os.environ.get("XPNET_DATA", "")) else ""


@pytest.fixture(scope="module")
def mnist_model(tmp_path_factory):
    """The file of a net trained by the command line's defaults, less epochs."""
    if not REAL:
        pytest.skip("needs the real MNIST files: set XPNET_DATA to a folder with the four IDX files")
    path = tmp_path_factory.mktemp("model") / "mnist.safetensors"
    arguments = ["train", "--dataset", "mnist", "--epochs", "6", "--seed", "0", "--save", str(path)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XPNET_DATA", REAL)
        result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return path


LARGE = {"size": (640, 480), "height": 300, "brush": 24}
SETTINGS = {
    "280x280": {},
    "280x280, thick": {"brush": 34},
    "280x280, pencil": {"brush": 1},
    "280x280, small in a corner": {"height": 70, "brush": 7, "at": (0.2, 0.25)},
    "640x480": LARGE,
    "640x480, off centre": {"size": (640, 480), "height": 180, "brush": 16, "at": (0.7, 0.3)},
    "white on black": {**LARGE, "ground": 0, "ink": 255},
    "black on transparent": {**LARGE, "mode": "LA", "ground": (0, 0), "ink": (0, 255)},
    "white on transparent": {**LARGE, "mode": "RGBA", "ground": (0, 0, 0, 0), "ink": (255,) * 4},
    "red on yellow": {**LARGE, "mode": "RGB", "ground": (255, 240, 120), "ink": (200, 20, 20)},
}


CASES = [
    *((setting, "png") for setting in SETTINGS),
    *(("640x480, off centre", form) for form in ("png of 16 bits", "jpg", "bmp", "gif")),
    ("280x280, pencil", "jpg"),
    ("white on black", "png of 16 bits"),
]


@pytest.mark.parametrize(("setting", "form"), CASES)
def test_at_least_9_of_10_drawn_digits_are_told(cli, tmp_path, mnist_model, setting, form):
    names = []
    for digit in range(10):
        picture = draw_digit(digit, **SETTINGS[setting])
        if form == "png of 16 bits":
            picture = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
        elif form != "png":
            picture = picture.convert("RGB")
        names.append(tmp_path / f"{digit}.{form.split()[0]}")
        picture.save(names[-1])
    result = cli("predict", mnist_model, *names)
    assert result.exit_code == 0, result.output
    told = [int(re.search(r": (\d) \(", line).group(1)) for line in result.stdout.splitlines()]
    assert len(told) == 10
    assert sum(int(answer == digit) for digit, answer in enumerate(told)) >= 9, told
    notes = result.stderr.splitlines()
    dark = setting not in ("white on black", "white on transparent")
    step = "dark on light: inverted, " if dark else ""
    pattern = rf"xpnet: .*\.\w\w\w: {step}cut to \d+x\d+ pixels at .*, scaled to \d+x20 in the frame of MNIST"
    assert len([note for note in notes if re.fullmatch(pattern, note)]) == 10, notes


def test_mnist_images_saved_as_pictures_are_told_as_the_arrays_are(cli, tmp_path, mnist_model, monkeypatch):
    monkeypatch.setenv("XPNET_DATA", REAL)
    _, (x, _) = xpnet.datasets.mnist(normalize=False)
    names = []
    for number, row in enumerate(x[:100]):
        picture = Image.fromarray(row.reshape(28, 28))
        names.append(tmp_path / f"{number}.png")
        (ImageOps.invert(picture) if number % 2 else picture).save(names[-1])
    np.save(tmp_path / "all.npy", x[:100])
    single = cli("predict", mnist_model, *names)
    batch = cli.output("predict", mnist_model, tmp_path / "all.npy").splitlines()
    assert single.stderr.splitlines() == [f"xpnet: {name}: dark on light: inverted" for name in names[1::2]]
    answers = [[line.split(": ", 1)[1][0] for line in lines] for lines in (single.stdout.splitlines(), batch)]
    assert answers[0] == answers[1]


def test_moved_mnist_images_are_told_as_often_as_the_originals(tmp_path, mnist_model, monkeypatch):
    monkeypatch.setenv("XPNET_DATA", REAL)
    _, (x, t) = xpnet.datasets.mnist()
    net = xpnet.load(mnist_model, backend="numpy")
    canvas = np.pad(x[:400].reshape(-1, 28, 28), ((0, 0), (3, 17), (12, 8)))
    np.save(tmp_path / "moved.npy", canvas)
    images = read_images(tmp_path / "moved.npy", 784)
    assert net.accuracy(images, t[:400]) >= net.accuracy(x[:400], t[:400]) - 0.01
