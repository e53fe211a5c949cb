"""Machine code on disk: where it goes, what makes it stale, several processes, damaged files."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from engines import WARNINGS_ARE_ERRORS

import xpnet_kernels

PACKAGE = Path(xpnet_kernels.__file__).parent

RELU = """
import numpy as np
from xpnet_kernels import _jit, relu
y, mask = relu(np.array([-1, 2], dtype={dtype!r}))
assert (y.tolist(), y.dtype) == ([0, 2], {dtype!r}), y
from xpnet_kernels.relu import fill_relu
print(sum(fill_relu.stats.cache_hits.values()), *_jit.folders())
"""

READ_ONLY = """
import errno, os, tempfile
kept = tempfile.TemporaryFile
def refuse(*args, dir=None, **options):  # a read-only disk, which stops root as well
    if dir.startswith({folder!r}):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
    return kept(*args, dir=dir, **options)
tempfile.TemporaryFile = refuse
"""


@pytest.fixture
def package(tmp_path):
    """A source root with a fresh copy of the package."""
    copy = tmp_path / "installed" / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture
def run(package, tmp_path):
    """Run Python code with that copy, a user's cache folder, warnings as errors; return its words."""
    cwd = tmp_path / "cwd"
    cwd.mkdir()

    def run(code, **environment):
        with start(code, package, cwd, environment) as process:
            output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert list(cwd.iterdir()) == []
        return output.split()

    return run


def start(code, package, cwd, environment):
    home = str(package.parent.parent / "home")
    settings = {"PYTHONPATH": str(package.parent), "NUMBA_CACHE_DIR": "", "HOME": home}
    settings |= {"XDG_CACHE_HOME": home, "LOCALAPPDATA": home}
    return subprocess.Popen(
        [sys.executable, *WARNINGS_ARE_ERRORS, "-c", code],
        cwd=cwd,
        env=os.environ | settings | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def relu(dtype="float32"):
    return RELU.format(dtype=dtype)


def read_only(package):
    return READ_ONLY.format(folder=str(package))


def machine_code(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in (".nbi", ".nbc"))


def test_it_goes_into_the_package_and_is_found_there(run, package):
    hits, *folders = run(relu())
    assert hits == "0"
    assert str(package / "__pycache__") in folders
    assert run(relu())[0] == "1"


def test_from_a_read_only_install_it_goes_to_the_users_folder(run, package, tmp_path):
    hits, *folders = run(read_only(package) + relu())
    assert hits == "0"
    assert machine_code(package) == []
    assert machine_code(tmp_path / "home")
    assert all(folder.startswith(str(tmp_path / "home")) for folder in folders)
    assert run(read_only(package) + relu())[0] == "1"


def test_what_a_read_only_install_holds_is_used_and_the_rest_goes_to_the_users_folder(run, package, tmp_path):
    run(relu("float32"))
    before = machine_code(package)
    assert run(read_only(package) + relu("float32"))[0] == "1"
    assert machine_code(tmp_path / "home") == []
    assert run(read_only(package) + relu("float64"))[0] == "0"
    assert run(read_only(package) + relu("float64"))[0] == "1"
    assert machine_code(package) == before


def test_what_a_read_only_install_holds_is_used_where_nothing_can_be_written(run, package, tmp_path):
    run(relu("float32"))
    before = machine_code(package)
    nowhere = READ_ONLY.format(folder=str(tmp_path))
    assert run(nowhere + relu("float32"))[0] == "1"
    assert run(nowhere + relu("float64"))[0] == "0"
    assert run(nowhere + relu("float64"))[0] == "0"
    assert machine_code(package) == before


def test_a_user_without_a_home_gets_no_folder_named_tilde(run, package):
    """Where the system knows no home, `expanduser` returns its argument."""
    code = "import os; del os.environ['XDG_CACHE_HOME']; os.path.expanduser = lambda path: path\n"
    assert run(code + read_only(package) + relu()) == ["0"]


def test_a_change_in_any_file_makes_it_stale(run, package):
    assert [run(relu())[0], run(relu())[0]] == ["0", "1"]
    with (package / "softmax.py").open("a") as file:
        file.write("# changed\n")
    assert [run(relu())[0], run(relu())[0]] == ["0", "1"]


CHANGE_CODE = {
    "NUMBA_BOUNDSCHECK": "1",
    "NUMBA_CPU_FEATURES": "+sse2",
    "NUMBA_CPU_NAME": "generic",
    "NUMBA_DEBUGINFO": "1",
    "NUMBA_DISABLE_INTEL_SVML": "1",
    "NUMBA_ENABLE_AVX": "0",
    "NUMBA_LLVM_REFPRUNE_FLAGS": "per_bb",
    "NUMBA_LLVM_REFPRUNE_PASS": "0",
    "NUMBA_LOOP_VECTORIZE": "0",
    "NUMBA_OPT": "0",
    "NUMBA_SLP_VECTORIZE": "1",
}
"""Settings of Numba that change machine code, and values that are not the usual ones."""

SAME_CODE = {
    "NUMBA_COLOR_SCHEME": "dark_bg",
    "NUMBA_CUDA_DEBUGINFO": "1",
    "NUMBA_DEVELOPER_MODE": "1",
    "NUMBA_DISABLE_CUDA": "1",
    "NUMBA_ENABLE_CUDASIM": "1",
    "NUMBA_FULL_TRACEBACKS": "1",
    "NUMBA_NUM_THREADS": "1",
    "NUMBA_THREADING_LAYER": "workqueue",
}


def test_code_of_other_settings_is_kept_apart(run):
    assert run(relu())[0] == "0"
    for name, value in CHANGE_CODE.items():
        assert (name, run(relu(), **{name: value})[0]) == (name, "0")
    for name, value in CHANGE_CODE.items():
        assert (name, run(relu(), **{name: value})[0]) == (name, "1")
    assert run(relu())[0] == "1"


def test_slow_code_of_an_earlier_run_is_not_loaded(run, package):
    slow = {"NUMBA_DEBUGINFO": "1", "NUMBA_LOOP_VECTORIZE": "0"}
    assert run(relu(), **slow)[0] == "0"
    (of_slow,) = [path for path in machine_code(package) if path.suffix == ".nbc"]
    assert run(relu())[0] == "0"
    (of_fast,) = [path for path in machine_code(package) if path.suffix == ".nbc" and path != of_slow]
    assert of_slow.stat().st_size != of_fast.stat().st_size
    assert [run(relu(), **slow)[0], run(relu())[0]] == ["1", "1"]


def test_settings_of_other_things_change_nothing(run):
    assert run(relu())[0] == "0"
    assert run(relu(), **SAME_CODE)[0] == "1"


@pytest.mark.parametrize(
    "change", ["os.environ['NUMBA_LOOP_VECTORIZE'] = '0'", "numba.core.config.LOOP_VECTORIZE = 0"]
)
def test_a_setting_that_changes_within_a_process_counts(change, run):
    assert run(relu())[0] == "0"
    code = f"import os, numba\n{change}\n{relu()}"
    assert [run(code)[0], run(code)[0], run(relu())[0]] == ["0", "1", "1"]


def test_the_import_of_numba_cuda_changes_nothing(run):
    pytest.importorskip("numba_cuda")
    assert run(relu())[0] == "0"
    assert run("import numba.cuda\n" + relu())[0] == "1"


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_a_damaged_file_counts_as_absent(suffix, run, package):
    run(relu())
    (damaged,) = [path for path in machine_code(package) if path.suffix == suffix]
    damaged.write_bytes(damaged.read_bytes()[:30])
    assert [run(relu())[0], run(relu())[0]] == ["0", "1"]


def test_a_full_disk_is_a_warning(run):
    code = """
import errno, os, warnings
from numba.core import caching
def full(*args):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
caching.IndexDataCacheFile._save_data = full
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    exec({code!r})
print(len(found), found[0].category.__name__, found[0].message)
"""
    words = run(code.format(code=relu()))
    output = " ".join(words)
    assert "1 RuntimeWarning xpnet: machine code cannot be kept in" in output
    assert "No space left on device" in output
    assert "NUMBA_CACHE_DIR" in output


MEETING = """
import os, pathlib, time
from numba.core import caching
load, met = caching.IndexDataCacheFile._load_index, pathlib.Path({folder!r})
def load_and_meet(self):
    found = load(self)
    if {saving}():
        (met / str(os.getpid())).touch()
        until = time.monotonic() + 3
        while len(list(met.iterdir())) < 2 and time.monotonic() < until:
            time.sleep(0.01)
    return found
caching.IndexDataCacheFile._load_index = load_and_meet
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such lock")
def test_two_processes_that_save_at_once_take_turns(run, package, tmp_path):
    """Each waits, in the midst of saving, until the other is there too, or 3 s where it is kept out."""
    met = tmp_path / "met"
    met.mkdir()
    saving = "lambda: any(f.f_code.co_name == 'save' for f in map(sys._getframe, range(1, 4)))"
    code = "import sys\nsaving = " + saving + MEETING.format(folder=str(met), saving="saving")
    types = ("float32", "float64")
    processes = [start(code + relu(dtype), package, tmp_path, {}) for dtype in types]
    for process in processes:
        with process:
            assert process.communicate(timeout=120)[0].split()[0] == "0"
    assert len(list(met.iterdir())) == 2
    assert [run(relu(dtype))[0] for dtype in types] == ["1", "1"]
