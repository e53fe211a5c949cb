"""What CONTRIBUTING shows, the layer and the kernel, passes the suite in a copy of the checkout."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()


def put_in(path, before, line):
    """Write a line before another one."""
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, f"{line}\n{before}"))


def write_module(path, code):
    assert ast.get_docstring(ast.parse(code))
    path.write_text(code)


def test_the_layer_and_the_kernel_of_the_guide(tmp_path):
    for folder in ("xpnet", "kernels", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    layer, reference, kernels = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    layers, operations = tmp_path / "xpnet" / "layers", tmp_path / "kernels" / "xpnet_kernels"
    write_module(layers / "leaky_relu.py", layer)
    write_module(operations / "square.py", f"{reference}\n\n{kernels}")
    (imported,) = re.findall(r"`(from xpnet\.layers\.\w+ import \w+)`", GUIDE)
    (case,) = re.findall(r'^`("LeakyRelu": .*)`;', GUIDE, re.MULTILINE)
    put_in(layers / "__init__.py", "from xpnet.layers.matmul import MatMul", imported)
    put_in(layers / "__init__.py", '    "Layer",\n', '    "LeakyRelu",')
    tests = "tests/layers/test_gradient_of_every_layer.py", "tests/kernels/test_implementations.py"
    put_in(tmp_path / tests[0], '    "Relu": ', f"    {case},")
    put_in(
        operations / "__init__.py",
        "from xpnet_kernels.tanh import",
        "from xpnet_kernels.square import square",
    )
    chosen = "LeakyRelu or every_layer_has or (square and not squared)"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, "-k", chosen]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 12, done.stdout
