"""The rules between the parts, and the sizes that keep the code readable."""

import ast
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
XPNET = sorted((ROOT / "xpnet").rglob("*.py"))
KERNELS = sorted((ROOT / "kernels").rglob("*.py"))
FILES = XPNET + KERNELS
STANDARD_LIBRARY = sys.stdlib_module_names

LONGEST_FILE, LONGEST_FUNCTION, MEDIAN_FILE = 250, 40, 120


def name_of(path):
    return str(path.relative_to(ROOT))


def imported_packages(path):
    """The top-level packages that a file imports anywhere, also by importlib and inside functions."""
    packages = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            packages |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno} has a relative import"
            packages.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            packages |= {arg.value.partition(".")[0] for arg in node.args if isinstance(arg, ast.Constant)}
    return packages


@pytest.mark.parametrize("path", KERNELS, ids=name_of)
def test_kernels_import_numpy_and_themselves_only(path):
    allowed = {"numpy", "xpnet_kernels"}
    if path.name in ("_jit.py", "_cache.py"):  # the second is imported by the first alone, with numba
        allowed |= {"numba", "llvmlite"}
    assert imported_packages(path) - STANDARD_LIBRARY <= allowed


@pytest.mark.parametrize("path", XPNET, ids=name_of)
def test_xpnet_imports_what_it_may(path):
    packages = imported_packages(path) - STANDARD_LIBRARY
    assert not packages & {"tests", "benchmarks", "kernels", "pickle"}
    if "rivals" not in path.parts:
        assert not packages & {"torch", "jax", "sklearn", "tinygrad"}
    if name_of(path) != os.path.join("xpnet", "_backends", "cuda.py"):
        assert not packages & {"cupy", "numba"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_wildcards_no_exec_no_pickle(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert all(alias.name != "*" for alias in node.names)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"exec", "eval", "__import__", "print"}
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert ast.unparse(node.value) == "False"
    assert "pickle" not in imported_packages(path)


def test_kernels_folder_is_a_source_root():
    assert not (ROOT / "kernels" / "__init__.py").exists()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_and_functions_are_short(path):
    lines = path.read_text().splitlines()
    assert len(lines) <= LONGEST_FILE
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node) is not None
            first = node.body[1 if documented and len(node.body) > 1 else 0]
            assert node.end_lineno - first.lineno + 1 <= LONGEST_FUNCTION, node.name


def test_the_median_file_is_short():
    assert statistics.median(len(path.read_text().splitlines()) for path in FILES) <= MEDIAN_FILE


def run(code, *flags):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, *flags, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment)


def test_import_loads_numpy_and_the_standard_library_alone():
    """What keeps the import quick; its time is not tested, for a busy machine would decide."""
    modules = run(
        "import sys, numpy.random; before = set(sys.modules); import xpnet; print(*set(sys.modules) - before)"
    )
    packages = {name.partition(".")[0] for name in modules.stdout.split()}
    assert packages - STANDARD_LIBRARY - {"numpy"} == {"xpnet", "xpnet_kernels"}


def test_training_on_a_cpu_loads_nothing_of_the_gpu_path():
    code = (
        "import sys, numpy, xpnet; xpnet.use('cpu')\n"
        "net = xpnet.nets.TwoLayerNet(4, 3, 2)\n"
        "net.fit(numpy.ones((4, 4)), [0, 1, 0, 1], engine='compiled', verbose=False)\n"
        "names = 'mlp_epoch.graph', 'mlp_epoch.persistent', '_graphs', '_cublas', '_ptx'\n"
        "ours = [f'xpnet_kernels.{name}' for name in names]\n"
        "gpu = (*ours, 'cupy', 'cuda.', 'numba.cuda.cudadrv')\n"
        "print([name for name in sys.modules if name.startswith(gpu)])"
    )
    assert run(code).stdout.strip() == "[]"


def test_training_on_numpy_loads_neither_numba_nor_cupy():
    code = (
        "import sys, numpy, xpnet; xpnet.use('numpy')\n"
        "net = xpnet.nets.TwoLayerNet(4, 3, 2)\n"
        "net.fit(numpy.ones((4, 4)), [0, 1, 0, 1], optimizer='adam', verbose=False)\n"
        "print([name for name in ('numba', 'cupy') if name in sys.modules])"
    )
    assert run(code).stdout.strip() == "[]"
