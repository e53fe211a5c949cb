"""NUMBA_DISABLE_JIT: one warning, and the reference in place of the kernels, whatever backend was chosen."""

import os
import subprocess
import sys

import pytest
from engines import WARNINGS_ARE_ERRORS

WAYS = {
    "the environment": ("import xpnet", {"NUMBA_DISABLE_JIT": "1"}),
    "before the import": ("import numba; numba.config.DISABLE_JIT = 1; import xpnet", {}),
    "the environment of a running process": (
        "import os, numba; os.environ['NUMBA_DISABLE_JIT'] = '1'; import xpnet",
        {},
    ),
    "after a choice": ("import numba, xpnet; xpnet.use('numba'); numba.config.DISABLE_JIT = 1", {}),
}

TRAIN = """
import sys, time, warnings
import numpy as np
warnings.simplefilter("always")
rng = np.random.default_rng(0)
x, t = rng.random((3000, 30)), rng.integers(0, 4, 3000)

def train(**how):
    net = xpnet.nets.MultiLayerNet(30, [20, 10], 4, seed=1, weight_decay_lambda=1e-3)
    history = net.fit(x, t, optimizer="adam", epochs=2, seed=2, validation=(x, t), **how)
    arrays = [array.tobytes() for array in net.params.values()]
    return arrays, history.loss, net.predict(x).tobytes(), net.loss(x, t), net.accuracy(x, t)
"""


def run(code, **environment):
    """Run Python code in a fresh process; return what it writes to stdout and to stderr."""
    paths = os.pathsep.join(path for path in sys.path if path)
    settings = {name: value for name, value in os.environ.items() if name != "XPNET_BACKEND"}
    done = subprocess.run(
        [sys.executable, *WARNINGS_ARE_ERRORS, *code],
        env=settings | {"PYTHONPATH": paths} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("choice", ["numba", "cpu", "auto", None])
def test_every_choice_trains_as_numpy_does_and_says_why(choice, way):
    setting, environment = WAYS[way]
    code = f"""
{setting}
{TRAIN}
choice = {choice!r}
if choice is not None:
    xpnet.use(choice)
started = time.perf_counter()
found = train()
seconds = time.perf_counter() - started
assert found == train(backend="numpy", verbose=False)
assert seconds < 5, seconds
"""
    _, said = run(["-c", code], **environment)
    assert said.count("RuntimeWarning: xpnet: NUMBA_DISABLE_JIT, or numba.config.DISABLE_JIT, is set") == 1
    assert "unset it and start Python again" in said
    assert "layer by layer (no kernel can be compiled: NUMBA_DISABLE_JIT" in said


def test_every_operation_gives_what_its_reference_gives():
    code = """
import warnings
warnings.simplefilter("ignore")
import numpy as np
from xpnet_kernels import _dispatch, registry

def same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b, strict=a is not None)

for operation in registry.values():
    for sample in operation.sample_inputs(np.random.default_rng(0), "float32"):
        copies = [[None if a is None else a.copy() for a in sample.arrays] for _ in range(2)]
        _dispatch.serve_numpy_by_kernels(True)  # as if nobody had looked
        found = operation(*copies[0], **sample.options)
        expected = operation.reference(np, *copies[1], **sample.options)
        one_result = not isinstance(found, tuple)
        same([found] if one_result else found, [expected] if one_result else expected)
        same(*copies)
"""
    run(["-c", code], NUMBA_DISABLE_JIT="1")


def test_a_net_from_a_pickle_predicts_though_nobody_chose_a_backend():
    make = "import pickle, sys, xpnet; net = xpnet.nets.TwoLayerNet(3, 4, 2, seed=0).to('numba')"
    pickled, _ = run(["-c", f"{make}; print(pickle.dumps(net).hex())"])
    code = f"""
import pickle, warnings, numpy as np
net, x = pickle.loads(bytes.fromhex({pickled.strip()!r})), np.ones((2, 3), "float32")
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    y = net.predict(x)
    net.predict(x)
print(len(found), np.array_equal(y, net.to("numpy").predict(x)))
"""
    assert run(["-c", code], NUMBA_DISABLE_JIT="1")[0].split() == ["1", "True"]


def test_the_compiled_engine_by_name_is_refused():
    code = f"""
import xpnet
{TRAIN}
try:
    train(engine="compiled", backend="numba")
except xpnet.EngineError as error:
    print(error)
"""
    output, _ = run(["-c", code], NUMBA_DISABLE_JIT="1")
    assert output.startswith("engine 'compiled' does not apply: no kernel can be compiled: NUMBA_DISABLE_JIT")
    assert "use the engine 'auto' or 'layers'" in output


def test_kernels_that_are_in_place_stay():
    code = """
import numba, numpy as np, xpnet
from xpnet_kernels import relu
from xpnet_kernels.relu import fill_relu
xpnet.use("numba")
relu(np.ones(2, "float32"))
numba.config.DISABLE_JIT = 1
xpnet.use("numba")
relu(np.ones(2))
from xpnet_kernels.relu import fill_relu
print(len(fill_relu.signatures), xpnet.backends()[1].reason == "")
"""
    assert run(["-c", code])[0].split() == ["2", "True"]


def test_cuda_kernels_do_not_bring_plain_python_kernels_with_them():
    pytest.importorskip("numba_cuda")
    code = """
import warnings
import numpy as np
from xpnet_kernels import _jit, softmax
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    _jit.load_cuda()
    x = np.arange(6, dtype="float32").reshape(2, 3)
    y = softmax(x)
print(len(found), np.array_equal(y, softmax.reference(np, x)))
"""
    output, _ = run(["-c", code], NUMBA_DISABLE_JIT="1", NUMBA_ENABLE_CUDASIM="1")
    assert output.split() == ["1", "True"]


def test_a_measured_choice_leaves_out_what_lacks_its_kernels(tmp_path):
    code = f"""
import xpnet
{TRAIN}
from xpnet.training.choice import choose
net = xpnet.nets.TwoLayerNet(30, 5, 4, seed=0)
print(*choose(net, x, t).seconds)
"""
    cache = {"XDG_CACHE_HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    usable = run(["-c", code], NUMBA_DISABLE_JIT="1", **cache)[0].split()
    assert "numpy" in usable
    assert "numba" not in usable


def test_the_command_line_says_so():
    line = "xpnet: NUMBA_DISABLE_JIT, or numba.config.DISABLE_JIT, is set, so no CPU kernel can be compiled"
    output, said = run(["-W", "default", "-m", "xpnet", "backends"], NUMBA_DISABLE_JIT="1")
    (numba,) = [row for row in output.splitlines() if row.startswith("numba ")]
    assert " yes " in numba
    assert "by the reference: NUMBA_DISABLE_JIT" in numba
    assert "to mend it: unset it and start Python again" in output
    assert [row for row in said.splitlines() if row.startswith(line)] == said.splitlines()


@pytest.mark.parametrize("choice", ["numba", "cpu", "auto"])
def test_the_command_line_trains(choice):
    output, said = run(
        ["-W", "default", "-m", "xpnet", "train", "--backend", choice, "--epochs", "1", "--seed", "0"],
        NUMBA_DISABLE_JIT="1",
    )
    expected, _ = run(["-m", "xpnet", "train", "--backend", "numpy", "--epochs", "1", "--seed", "0"])
    accuracy = [text.partition(", trained for")[0] for text in (output, expected)]
    assert accuracy[0].splitlines()[-1] == accuracy[1].splitlines()[-1]
    assert said.count("so no CPU kernel can be compiled") == 1


def test_there_is_nothing_to_warm_up():
    done = subprocess.run(
        [sys.executable, "-m", "xpnet", "warmup"],
        env=os.environ
        | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: there is nothing to compile: NUMBA_DISABLE_JIT")
