"""`xpnet backends` and `xpnet datasets`: what there is here."""

import pytest

import xpnet


def test_every_backend_is_listed_with_its_device_or_what_mends_it(cli):
    output = cli.output("backends")
    for status in xpnet.backends():
        (line,) = [line for line in output.splitlines() if line.split()[:1] == [status.name]]
        assert line.split()[1] == ("yes" if status.usable else "no")
        assert (status.device or status.reason) in line
        assert f"to mend it: {status.remedy}" in output or not status.remedy


def test_the_backend_in_force_is_told(cli, monkeypatch):
    assert "XPNET_BACKEND is not set; backend auto took " in cli.output("backends").splitlines()[-1]
    monkeypatch.setenv("XPNET_BACKEND", "cpu")
    xpnet._backends._set(None)
    assert cli.output("backends").splitlines()[-1].startswith("XPNET_BACKEND=cpu takes numba on CPU")


def test_a_wrong_xpnet_backend_is_told_after_the_list(cli, monkeypatch):
    monkeypatch.setenv("XPNET_BACKEND", "nonsense")
    assert "XPNET_BACKEND=nonsense: unknown backend" in cli.error("backends")
    assert cli("backends").stdout.startswith("backend ")


def test_every_data_set_is_listed_with_its_place(cli, monkeypatch, tmp_path):
    monkeypatch.setenv("XPNET_DATA", str(tmp_path))
    lines = cli.output("datasets").splitlines()
    assert lines[1].split() == ["digits", "1437", "360", "8x8", "10", "built", "in"]
    mnist = next(line for line in lines if line.startswith("mnist"))
    assert mnist.split()[1:5] == ["60000", "10000", "28x28", "10"]
    assert f"not in {tmp_path}, the folder in XPNET_DATA" in mnist


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("KERAS_HOME", "TORCHVISION_DATASETS_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("nowhere")
def test_a_data_set_that_is_nowhere_would_be_downloaded(cli):
    lines = cli.output("datasets").splitlines()
    mnist = next(line for line in lines if line.startswith("mnist"))
    assert "not here; would be downloaded from https://" in mnist


def test_a_copy_that_was_not_taken_is_told(cli, monkeypatch):
    entry = xpnet.datasets.CatalogEntry("x", "X", 6, 1, (3, 4, 5), 2, False, "/here", "the file is short")
    monkeypatch.setattr(xpnet.datasets, "catalog", lambda: [entry])
    output = cli.output("datasets")
    assert "3x4x5" in output
    assert "not taken: the file is short" in output
