"""Sections of a made-up run: one that is good, and others with one thing wrong each."""

import os
import signal
import subprocess
import sys
import time


def good(bench, value=1):
    bench.record("made up", value=value, samples=[1.0, float("nan")])
    bench.record("earlier", names=[one["name"] for one in bench.earlier])


def hangs(bench):
    bench.record("before", value=2)
    print("about to wait for ever", flush=True)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    bench.record("child", pid=child.pid)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)


def crashes(bench):
    bench.record("before", value=3)
    print("about to crash", flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)


def raises(bench):
    raise RuntimeError("out of luck")


def prints_garbage(bench):
    print("{not JSON\x00\xff")
    os.write(1, b"\xff\xfe garbage\n")
    bench.record("made up", value=4)


def records_garbage(bench):
    bench.record("made up", value=5)
    bench._output.write('half a rec\n[1, 2]\n"what"\n')


def half(bench):
    with bench.attempt("first part", number=1):
        raise ValueError("no such part")
    bench.record("second part", value=6)


def interrupts(bench):
    bench.record("before", value=7)
    os.kill(os.getppid(), signal.SIGINT if bench.plan.dry else signal.SIGTERM)
    time.sleep(600)
