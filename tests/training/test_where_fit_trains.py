"""`fit(backend=..., measure=...)`: where the net is trained, and where it is after an error."""

import numpy as np
import pytest
from stand_ins import StrictBackend

import xpnet
from xpnet.nets import TwoLayerNet
from xpnet.training import choice as module
from xpnet.training._trial import Trial

X = np.random.default_rng(0).random((60, 6))
T = np.arange(60) % 3


@pytest.fixture
def net():
    xpnet.use("numpy")
    return TwoLayerNet(6, 4, 3, seed=0)


@pytest.fixture
def quickest(monkeypatch, tmp_path):
    """Fix which backend measures quickest; the names that were asked for."""
    monkeypatch.setattr(module, "_kept", {})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    seen = []

    def seconds(trial, name, batch, limit):
        seen.append(name)
        return 1e-4 if name == "numba" else 2e-4

    monkeypatch.setattr(Trial, "seconds", seconds)
    return seen


def test_the_net_is_trained_on_the_backend_named_and_stays_there(net, capsys):
    net.fit(X, T, backend="numba")
    assert net.backend.name == "numba"
    assert capsys.readouterr().err.startswith("xpnet: numba on ")
    assert xpnet.current_backend().name == "numpy"
    net.fit(X, T, verbose=False)
    assert net.backend.name == "numba"
    net.fit(X, T, backend="numpy", verbose=False)
    assert net.backend.name == "numpy"


def test_auto_is_the_switchs(net, capsys):
    net.fit(X, T, backend="auto")
    assert net.backend is xpnet.use("auto")
    said, here, epoch, auto = capsys.readouterr().err.splitlines()
    assert epoch.startswith("xpnet: epoch 1/1, ")
    assert said == auto
    assert said.startswith("xpnet: backend auto took ")
    assert here.startswith(f"xpnet: {net.backend.name} on ")


def test_measured_the_quickest_is_taken_said_and_remembered(net, quickest, capsys, tmp_path):
    net.fit(X, T, batch_size=20, backend="auto", measure=True)
    assert net.backend.name == "numba"
    lines = capsys.readouterr().err.splitlines()
    assert "numba is the quickest here (a step: numpy 200 µs, numba 100 µs" in lines[0]
    assert lines[0].endswith("; from batch 1 on numba")
    assert lines[1].startswith("xpnet: numba on ")
    assert (tmp_path / "xpnet" / "choices.json").exists()
    asked = len(quickest)
    module._kept.clear()
    TwoLayerNet(6, 4, 3, seed=1).fit(X, T, batch_size=20, backend="auto", measure=True)
    assert len(quickest) == asked
    assert ", remembered)" in capsys.readouterr().err


def test_really_measured_it_trains_as_without(net, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    losses = net.fit(X, T, epochs=2, batch_size=20, seed=3, backend="auto", measure=True, verbose=False).loss
    expected = TwoLayerNet(6, 4, 3, seed=0).fit(X, T, epochs=2, batch_size=20, seed=3, verbose=False).loss
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert capsys.readouterr() == ("", "")


def test_the_optimizers_state_comes_along(net):
    sgd = xpnet.optimizers.Momentum(lr=0.1)
    net.fit(X, T, optimizer=sgd, seed=0, verbose=False)
    net.fit(X, T, optimizer=sgd, seed=1, backend="numba", engine="layers", verbose=False)
    alone, stay = TwoLayerNet(6, 4, 3, seed=0), xpnet.optimizers.Momentum(lr=0.1)
    alone.fit(X, T, optimizer=stay, seed=0, verbose=False)
    alone.fit(X, T, optimizer=stay, seed=1, verbose=False)
    for name, array in alone.params.items():
        np.testing.assert_allclose(net.params[name], array, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"measure": True}, "needs backend='auto', got backend=None"),
        ({"measure": True, "backend": "numba"}, "needs backend='auto', got backend='numba'"),
        ({"backend": "fpga"}, "unknown backend 'fpga'"),
        ({"backend": "numba", "engine": "none-such"}, "unknown engine"),
        ({"backend": "numba", "x": X[:, :5]}, "5"),
        ({"backend": "numba", "t": T[:59]}, "59"),
        ({"backend": "numba", "t": T + 1}, "label 3"),
        ({"backend": "numba", "seed": -1}, "seed"),
        ({"backend": "numba", "validation": (X[:, :5], T)}, "validation"),
        ({"backend": "auto", "measure": True, "x": X[:, :5]}, "5"),
        ({"backend": "auto", "measure": True, "batch_size": 0}, "batch_size"),
    ],
)
@pytest.mark.parametrize("engine", ["auto", "layers"])
def test_after_an_error_the_net_is_where_it_was(net, engine, options, words, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = {name: array.copy() for name, array in net.params.items()}
    with pytest.raises(ValueError, match=words):
        net.fit(**{"x": X, "t": T, "verbose": False, "engine": engine} | options)
    assert net.backend.name == "numpy"
    xpnet.use("numba")  # it is not pinned either
    assert net.backend.name == "numba"
    for name, array in net.params.items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("engine", ["auto", "layers"])
def test_after_an_error_beyond_the_first_step_it_stays_where_it_was_trained(net, engine):
    def stop(epoch):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        net.fit(X, T, backend="numba", engine=engine, on_epoch=stop, verbose=False)
    assert net.backend.name == "numba"


def test_after_an_error_the_arrays_are_back_from_another_device(net):
    with pytest.raises(ValueError, match="59"):
        net.fit(X, T[:59], backend=StrictBackend(), verbose=False)
    assert all(type(array) is np.ndarray for array in net.params.values())
    net.fit(X, T, backend=StrictBackend(), verbose=False)
    assert not any(type(array) is np.ndarray for array in net.params.values())


def test_a_backend_that_cannot_be_used_is_an_error_and_the_net_stays(net):
    absent = [status.name for status in xpnet.backends() if not status.usable]
    if not absent:
        pytest.skip("every backend can be used here")
    with pytest.raises(xpnet.BackendUnavailableError):
        net.fit(X, T, backend=absent[0], verbose=False)
    assert net.backend.name == "numpy"
