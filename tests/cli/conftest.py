"""The command line called in this process, away from anybody's environment."""

import numpy as np
import pytest
from click.testing import CliRunner

import xpnet
from xpnet import _backends
from xpnet.cli import main
from xpnet.cli.pictures import prepare


class CommandLine:
    """Calls `xpnet` with arguments; the result has exit_code, stdout, stderr."""

    def __call__(self, *arguments):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def output(self, *arguments):
        """Return what a successful call prints."""
        result = self(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def error(self, *arguments):
        """Return the one line that a failing call ends with, and check that it is one."""
        result = self(*arguments)
        assert result.exit_code in (1, 2), result.output
        errors = [line for line in result.stderr.splitlines() if not line.startswith("xpnet: ")]
        assert len(errors) == 1, result.stderr
        assert errors[0].startswith("Error: ")
        return errors[0]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    """Run in an empty folder, with no switch set; what the tests' process had in force comes back after."""
    for name in ("XPNET_BACKEND", "XPNET_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    before = _backends._current
    _backends._set(None)
    yield
    _backends._set(before)


@pytest.fixture
def cli():
    return CommandLine()


@pytest.fixture(scope="session")
def digits_model(tmp_path_factory):
    """The file of a net that knows the built-in digits."""
    (x, t), _ = xpnet.datasets.digits()
    with xpnet.using("numpy"):
        net = xpnet.nets.MultiLayerNet(64, [50], 10, weight_init_std="he", seed=0)
        net.fit(x, t, epochs=8, batch_size=10, seed=0, verbose=False)
    path = tmp_path_factory.mktemp("model") / "digits.safetensors"
    net.save(path)
    return path


@pytest.fixture
def tiny_csv(tmp_path):
    """A CSV file of 40 images of 2x2 pixels in 2 classes that a net tells apart at once."""
    generator = np.random.default_rng(0)
    labels = np.arange(40) % 2
    pixels = generator.integers(0, 50, (40, 4)) + 200 * labels[:, None]
    lines = ["label,a,b,c,d", *(",".join(map(str, [t, *x])) for t, x in zip(labels, pixels, strict=True))]
    path = tmp_path / "tiny.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def prepared(tmp_path):
    """Save a picture and return the prepared image (28, 28) and the notes."""

    def save_and_prepare(picture, name="a.png", *, options=None, **flags):
        picture.save(tmp_path / name, **(options or {}))
        x, notes = prepare(tmp_path / name, 28 * 28, **flags)
        assert x.dtype == np.float32
        assert x.shape == (1, 28 * 28)
        return x.reshape(28, 28), notes

    return save_and_prepare
