"""The command line as a process: entry point, help, imports, Ctrl-C, a closed pipe."""

import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from engines import WARNINGS_ARE_ERRORS

import xpnet
from xpnet.cli import main

ROOT = Path(xpnet.__file__).resolve().parents[1]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")]),
    "PYTHONUNBUFFERED": "1",
}
XPNET = [sys.executable, *WARNINGS_ARE_ERRORS, "-m", "xpnet"]


def run(*arguments, python=(), **options):
    command = [XPNET[0], *python, *XPNET[1:], *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=60, **options)


def test_the_version():
    assert run("--version").stdout == f"xpnet {xpnet.__version__}\n"


def test_the_installed_command_is_this_one():
    try:
        entries = importlib.metadata.distribution("xpnet").entry_points
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("xpnet is not installed here; its checkout is tested")
    (entry,) = [entry for entry in entries if entry.name == "xpnet"]
    assert entry.load() is main


def test_help_is_quick_because_it_imports_little():
    result = run("--help", python=["-X", "importtime"])
    assert result.stdout.startswith("Usage: xpnet [OPTIONS] COMMAND")
    modules = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "xpnet.cli" in modules
    assert modules.isdisjoint({"numba", "cupy", "matplotlib", "PIL", "safetensors", "pooch"})


def test_every_command_has_help_with_examples(cli):
    for name, command in main.commands.items():
        text = cli.output(name, "--help")
        assert "Examples:\n    xpnet" in text or "Examples:\n    XPNET_" in text
        assert len(command.get_short_help_str()) < 45
        options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
        assert all(option.help for option in options)


def test_without_a_command_the_help_is_shown():
    result = run()
    assert result.returncode == 2
    assert result.stderr.startswith("Usage: xpnet")


def test_an_error_goes_to_stderr_alone():
    result = run("train", "--backend", "nonsense")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


def stopped(*arguments, cwd, at, wait=0):
    """Press Ctrl-C `wait` seconds after a training prints `at`; return exit code, stdout, stderr."""
    command = [*XPNET, "train", "--backend", "numpy", "--seed", "1", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=cwd, env=ENVIRONMENT, **pipes) as process:
        read = []
        for line in process.stdout:
            read.append(line)
            if line.startswith(at):
                time.sleep(wait)
                process.send_signal(signal.SIGINT)
                break
        rest, errors = process.communicate(timeout=60)
        return process.returncode, "".join(read) + rest, errors


ctrl_c = pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to a process on Windows")


@ctrl_c
def test_ctrl_c_ends_the_training_and_keeps_everything(tmp_path):
    outputs = ("--save", "net.safetensors", "--plot", "run.png", "--log", "run.jsonl")
    code, output, errors = stopped("--epochs", "100000", *outputs, cwd=tmp_path, at="epoch 2,")
    assert code == 130
    assert "Traceback" not in errors
    assert "xpnet: interrupted in epoch" in errors
    last = output.splitlines()[-1]
    assert last.startswith("interrupted after ")
    assert last.endswith("; wrote net.safetensors, run.png, run.jsonl")
    net = xpnet.load(tmp_path / "net.safetensors", backend="numpy")
    _, test = xpnet.datasets.digits()
    assert f"test accuracy {net.accuracy(*test):.4f}" in last
    assert net.accuracy(*test) > 0.8
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    numbers = [json.loads(line).get("number") for line in (tmp_path / "run.jsonl").read_text().splitlines()]
    assert numbers[:3] == [None, 1, 2]


@ctrl_c
def test_ctrl_c_in_the_first_epoch(tmp_path):
    slow = ("--batch-size", "1", "--hidden", "5000")  # an epoch takes seconds
    code, output, errors = stopped(
        *slow, "--save", "net", "--plot", "p.png", cwd=tmp_path, at="digits", wait=0.7
    )
    assert code == 130
    assert "xpnet: interrupted in epoch 1;" in errors
    assert "Traceback" not in errors
    assert "epoch 1," not in output
    assert output.splitlines()[-1].endswith("; wrote net, p.png")
    xpnet.load(tmp_path / "net", backend="numpy")


@ctrl_c
def test_ctrl_c_outside_the_training_is_no_traceback(cli, monkeypatch):
    def pressed(name, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("xpnet.cli._training.load_dataset", pressed)
    result = cli("train")
    assert (result.exit_code, result.stderr) == (130, "Interrupted.\n")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX pipe")
def test_a_closed_pipe_ends_the_command_without_a_word():
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [*XPNET, "backends"]
        result = subprocess.run(
            command, stdout=writer, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, timeout=60
        )
    finally:
        os.close(writer)
    assert (result.returncode, result.stderr) == (1, "")


def test_a_log_of_both_streams_has_each_epoch_once(tmp_path):
    command = [*XPNET, "train", "--backend", "numpy", "--epochs", "3"]
    with (tmp_path / "log").open("w") as log:
        subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, env=ENVIRONMENT, timeout=60, check=True)
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line.split(",")[0] for line in lines if "epoch " in line and ", loss " in line] == [
        f"epoch {number}" for number in (1, 2, 3)
    ]
    assert "\r" not in (tmp_path / "log").read_bytes().decode()
