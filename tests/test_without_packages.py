"""Absent packages: without numba, llvmlite, pooch and threadpoolctl all but kernels and downloads works."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from engines import WARNINGS_ARE_ERRORS

NAMES = ("numba", "llvmlite", "pooch", "threadpoolctl")

ABSENT = {
    "not found": f"""
import sys
class Finder:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {NAMES}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Finder)
""",
    "blocked": f"""
import sys
for name in {NAMES}:
    sys.modules[name] = None
""",
}

PROLOGUE = """
import warnings
import numpy as np
import xpnet
"""

TRAIN = """
xpnet.use("numpy")
(x, t), (x_test, t_test) = xpnet.datasets.load("digits")
for optimizer in xpnet.optimizers.names():
    net = xpnet.nets.MultiLayerNet(64, [30], 10, seed=0)
    history = net.fit(x, t, optimizer=optimizer, epochs=3, validation=(x_test, t_test), seed=0)
    assert history.loss[-1] < history.loss[0], optimizer
net = xpnet.nets.MultiLayerNet(64, [30, 20], 10, seed=0, weight_decay_lambda=1e-4)
net.fit(x, t, optimizer="adam", epochs=5, batch_size=20, seed=0)
accuracy = net.accuracy(x_test, t_test)
assert accuracy > 0.8, accuracy
assert np.mean(net.predict(x_test).argmax(axis=1) == t_test) == accuracy
assert xpnet.gradient_check(net, x[:3], t[:3])
net.save("net.safetensors")
again = xpnet.load("net.safetensors")
assert again.accuracy(x_test, t_test) == accuracy
one = xpnet.nets.TwoLayerNet(3, 4, 2)
one.fit(np.ones((8, 3)), np.zeros(8, int), batch_size=1, verbose=False)
from xpnet.cli import main
for command in (
    "backends",
    "datasets",
    "train --backend numpy --epochs 1 --seed 0 --save line.safetensors",
    "evaluate --backend numpy line.safetensors",
    "train --backend auto --epochs 1",
):
    main(command.split(), standalone_mode=False)
"""

CHOICES = """
for choice in ("cpu", "numba"):
    try:
        xpnet.use(choice)
    except xpnet.BackendUnavailableError as error:
        print(error)
status = {status.name: status for status in xpnet.backends()}["numba"]
print(status)
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    print("auto is", xpnet.use("auto").name)
    xpnet.use("auto")
    xpnet.nets.TwoLayerNet(3, 4, 2).fit(np.ones((8, 3)), np.zeros(8, int))
print("warnings:", *{str(one.message) for one in found}, len(found))
"""

IMPLICIT = """
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    xpnet.nets.TwoLayerNet(3, 4, 2).predict(np.ones((8, 3)))
print(xpnet.current_backend().name, len(found))
"""

KERNELS = """
import warnings
import numpy as np
from xpnet_kernels import relu
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    y, mask = relu(np.array([-1, 2], "float32"))
    relu(y)
print(*y, len(found), found[0].message)
"""

DOWNLOAD = """
import os, pathlib
os.environ.pop("XPNET_DATA", None)
os.environ["HOME"] = os.environ["XDG_CACHE_HOME"] = str(pathlib.Path("home").absolute())
try:
    xpnet.datasets.load("mnist")
except xpnet.datasets.DatasetError as error:
    print(error)
"""


def run(code, cwd, *options):
    """Run Python code in a fresh process; return what it writes to stdout and to stderr."""
    paths = os.pathsep.join(os.path.abspath(path) for path in sys.path if path)
    settings = {k: v for k, v in os.environ.items() if k not in ("XPNET_BACKEND", "XPNET_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, *WARNINGS_ARE_ERRORS, *options, "-c", code],
        cwd=cwd,
        env=settings | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.fixture(params=ABSENT)
def absent(request):
    """Code that takes the packages away, in the two ways that an import can fail."""
    return ABSENT[request.param]


def test_training_saving_and_the_command_line_on_numpy(absent, tmp_path):
    ignored = ("-W", "ignore:xpnet:RuntimeWarning")
    output, _ = run(absent + PROLOGUE + TRAIN, tmp_path, *ignored)
    assert "numba is not installed" in output  # xpnet backends
    assert "pip install numba" in output
    assert output.count("test accuracy") >= 3


def test_the_import_says_nothing(absent, tmp_path):
    assert run(absent + PROLOGUE, tmp_path) == ("", "")


def test_cpu_is_refused_and_auto_takes_numpy_and_says_so_once(absent, tmp_path):
    output, said = run(absent + PROLOGUE + CHOICES, tmp_path)
    refused, again, status, auto, *warned = output.splitlines()
    assert refused == again
    assert "backend 'numba' cannot be used here: numba is not installed. To mend it: pip install" in refused
    assert re.match("numba +not usable: numba is not installed. To mend it: pip install numba", status)
    assert auto == "auto is numpy"
    assert warned[0].startswith("warnings: xpnet: numba is not installed, so no CPU kernel can be compiled")
    assert warned[0].endswith("pip install numba 1")
    assert "backend auto took numpy on CPU" in said
    assert "no compiled kernels: numba is not installed" in said


def test_without_a_choice_numpy_is_taken_with_a_warning(absent, tmp_path):
    assert run(absent + PROLOGUE + IMPLICIT, tmp_path)[0] == "numpy 1\n"


def test_operations_alone_are_computed_by_the_reference_with_a_warning(absent, tmp_path):
    output, _ = run(absent + KERNELS, tmp_path)
    assert output.startswith("0.0 2.0 1 xpnet: numba is not installed")


def test_a_download_says_that_pooch_is_missing(absent, tmp_path):
    output, _ = run(absent + PROLOGUE + DOWNLOAD, tmp_path)
    assert "pip install pooch" in output


def test_pyodide_is_not_told_to_install_numba(absent, tmp_path):
    code = absent + PROLOGUE + "sys.platform = 'emscripten'" + IMPLICIT
    assert run(code, tmp_path)[0] == "numpy 0\n"


def test_the_project_asks_for_what_it_uses():
    root = Path(__file__).parents[1]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert sorted(extras) == ["cuda12", "cuda13", "plot"]
    for name in ("cuda12", "cuda13"):
        assert f"cupy-{name}x[ctk]>=14,!=14.1.0" in extras[name]
    (numba,) = [one for one in project["dependencies"] if one.startswith("numba")]
    assert numba.endswith("; sys_platform != 'emscripten'")
