"""The test suite on the GPU, unsimulated: what runs kernels, layers and training on the GPU's backends."""

from __future__ import annotations

import importlib.util
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from gpu_sections.bench import Bench

ROOT = Path(__file__).resolve().parents[2]

FOLDERS = (
    "tests/kernels",
    "tests/layers",
    "tests/nets",
    "tests/optimizers",
    "tests/training",
    "tests/test_switch.py",
    "tests/bench/test_float64_reference.py",
)
OF_THE_GPU = (
    "(cuda or cupy or gpu or graph or persistent) and not offline and not cpu_kernels and not graph_nodes"
)
"""What pytest is to select: all of it is the same on a machine without a GPU."""

PROCESSES, TEST_SECONDS = min(12, os.cpu_count() or 1), 60
LINES_KEPT, FAILURES_KEPT = 25, 40


def run(bench: Bench) -> None:
    """Record the counts, and the end of what every failure says."""
    if importlib.util.find_spec("pytest") is None:
        raise RuntimeError("pytest is not installed here: the tests were not run")
    if bench.plan.dry:
        folders, selected, processes = ["tests/test_atomic.py"], "", 0
    else:
        folders, selected, processes = list(FOLDERS), OF_THE_GPU, PROCESSES
    with tempfile.TemporaryDirectory(prefix="xpnet-suite-") as folder:
        report = Path(folder) / "report.xml"
        code = pytest(folders, selected, processes, report, bench.until - time.monotonic() - 5)
        bench.record("pytest", folders=folders, selected=selected, code=code, **read(report))
    if code != 0:
        raise RuntimeError(f"pytest ended with code {code}")


def pytest(folders: list[str], selected: str, processes: int, report: Path, seconds: float) -> int | str:
    """Run pytest; return its exit code, or words when the time was up. What it says goes to the log."""
    command = [sys.executable, "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider", f"--junitxml={report}"]
    command += ["--continue-on-collection-errors", *(["-k", selected] if selected else [])]
    if processes and importlib.util.find_spec("xdist") is not None:
        command += ["-p", "xdist", "-n", str(processes)]
        if importlib.util.find_spec("pytest_timeout") is not None:  # ends the process: the next one goes on
            command += ["-p", "timeout", f"--timeout={TEST_SECONDS}", "--timeout-method=thread"]
    # Other plugins stay out: they are no part of the suite, and one that warns would fail it.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    limit = None if math.isinf(seconds) else max(seconds, 1)
    try:
        return subprocess.run([*command, *folders], cwd=ROOT, env=environment, timeout=limit).returncode
    except subprocess.TimeoutExpired:
        return f"not finished within {seconds:.0f} s"


def read(report: Path) -> dict[str, Any]:
    """Return the counts and failures of a JUnit report; nothing of one that was not written."""
    if not report.exists():
        return {}
    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite is not None
    counts = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    failures = [
        {"test": f"{case.get('classname')}::{case.get('name')}", "tail": _tail(part)}
        for case in suite.iter("testcase")
        for part in (*case.findall("failure"), *case.findall("error"))
    ]
    return {**counts, "seconds": float(suite.get("time", 0)), "failed": failures[:FAILURES_KEPT]}


def _tail(part: ElementTree.Element) -> str:
    lines = (part.text or part.get("message") or "").splitlines()
    return "\n".join(lines[-LINES_KEPT:])
