"""Progress of `fit`: a bar in a terminal and in a notebook, lines elsewhere."""

import io
import sys
import types

import numpy as np
import pytest

from xpnet.nets import TwoLayerNet
from xpnet.training import _progress

X, T = np.random.default_rng(0).normal(size=(60, 6)), np.arange(60) % 3


class Terminal(io.StringIO):
    def isatty(self):
        return True


def epoch_lines(text):
    return [line for line in text.splitlines() if line.startswith("xpnet: epoch ")]


def fit(**options):
    return TwoLayerNet(6, 4, 3, seed=0).fit(X, T, batch_size=20, seed=0, **options)


def test_without_a_terminal_there_is_a_line_an_epoch(capsys, backend):
    history = fit(epochs=3, validation=(X, T))
    expected = [str(epoch).replace("epoch ", "xpnet: epoch ", 1) for epoch in history.epochs]
    expected = [line.replace(f"epoch {n}", f"epoch {n}/3", 1) for n, line in enumerate(expected, 1)]
    assert epoch_lines(capsys.readouterr().err) == expected
    assert "test loss " in expected[0]


def test_many_short_epochs_write_the_first_the_last_and_one_a_second(capsys, monkeypatch):
    clock = iter(np.arange(1000) * 0.25)
    monkeypatch.setattr(_progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(_progress, "EVERY_EPOCH_UP_TO", 10)
    fit(epochs=11)
    numbers = [line.split("/")[0].split()[-1] for line in epoch_lines(capsys.readouterr().err)]
    assert numbers == ["1", "5", "9", "11"]


def test_ten_epochs_of_milliseconds_write_ten_lines(capsys):
    fit(epochs=10)
    lines = epoch_lines(capsys.readouterr().err)
    assert [line.split(",")[0] for line in lines] == [f"xpnet: epoch {n}/10" for n in range(1, 11)]


def test_an_application_without_stderr_can_train(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert len(fit(epochs=2).epochs) == 2


def test_a_stream_that_is_no_file_gets_lines(monkeypatch):
    written = []
    log = types.SimpleNamespace(write=written.append, flush=lambda: None)
    monkeypatch.setattr(sys, "stderr", log)
    fit(epochs=2)
    assert len(epoch_lines("".join(written))) == 2


def test_quiet(capsys):
    fit(epochs=3, verbose=False)
    assert capsys.readouterr().err == ""


def test_in_a_terminal_there_is_a_bar_that_goes(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    fit(epochs=3)
    assert "step" in screen.getvalue()
    assert "\r" in screen.getvalue()
    assert epoch_lines(screen.getvalue()) == []
    assert screen.getvalue().rpartition("\r")[0].endswith(" ")  # cleared at the end


def test_in_a_notebook_there_is_a_bar_that_stays(monkeypatch):
    # A Jupyter kernel from inside: a shell that has a kernel, and no terminal.
    shell, cell = types.SimpleNamespace(kernel=object()), io.StringIO()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(sys, "stderr", cell)
    fit(epochs=3)
    last = [part for part in cell.getvalue().split("\r") if part.strip()][-1]
    assert last.startswith("100%|")
    assert "9/9" in last
    assert epoch_lines(cell.getvalue()) == []


def test_a_notebook_keeps_few_states_of_a_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with _progress._bar(9, in_notebook=True) as notebook, _progress._bar(9, in_notebook=False) as terminal:
        assert notebook.mininterval >= 5 * terminal.mininterval


def test_in_ipythons_own_terminal_it_is_a_terminals(monkeypatch):
    shell = types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    assert not _progress.is_notebook()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: None))
    assert not _progress.is_notebook()


def test_who_prints_the_epochs_gets_no_lines(capsys):
    with _progress.bars_only():
        fit(epochs=3)
    assert epoch_lines(capsys.readouterr().err) == []
    fit(epochs=1)
    assert len(epoch_lines(capsys.readouterr().err)) == 1


def test_a_plot_is_a_picture_in_a_notebook():
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    from xpnet.plotting import plot_history

    figure = plot_history(fit(epochs=2, verbose=False, validation=(X, T)))
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b"\x89PNG\r\n\x1a\n")
