#!/usr/bin/env bash
# numba-cuda 0.30.4 (with numba 0.68.1): in the simulator, two shared arrays on one source line are one array.
#
# Expected: `a, b = cuda.shared.array(2, float32), cuda.shared.array((3, 4), int64)` makes two arrays, as it
# does on a GPU, whether or not there is a line break between the two calls.
# Seen: b is a. It has the shape and the dtype of the first call, and what is written to b is read from a.
# There is no error and no warning. On two lines the same code makes two arrays.
# Source: numba_cuda/numba/cuda/simulator/kernelapi.py, FakeCUDAShared.array: an allocation is found by the
# file name and the line number of the caller. The docstring of the class names the limit.
#
# Exits 0 while that is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    numba==0.68.1 numba-cuda==0.30.4 numpy==2.4.6

cat > "$folder/seen.py" <<'PYTHON'
import warnings

warnings.simplefilter("ignore")  # of the import: NumPy deprecates a timedelta without a unit

import numpy as np
from numba import cuda


@cuda.jit
def on_one_line(seen):
    a, b = cuda.shared.array(2, np.float32), cuda.shared.array((3, 4), np.int64)
    seen[0], seen[1] = b.size, b.dtype.itemsize
    a[0] = 1
    b[0] = 2
    seen[2] = a[0]


@cuda.jit
def on_two_lines(seen):
    a = cuda.shared.array(2, np.float32)
    b = cuda.shared.array((3, 4), np.int64)
    seen[0], seen[1] = b.size, b.dtype.itemsize
    a[0] = 1
    b[0] = 2
    seen[2] = a[0]


def run(kernel):
    seen = np.zeros(3, np.int64)
    kernel[1, 1](seen)
    size, item, value = seen.tolist()
    print(f"{kernel.fn.__name__}: b has {size} elements of {item} bytes; a[0] is {value} after a[0] = 1; b[0] = 2")
    return [size, item, value]


same = run(on_one_line) == [2, 4, 2]
apart = run(on_two_lines) == [12, 8, 1]
print("still so: two shared arrays on one line are one" if same and apart else "changed")
raise SystemExit(0 if same and apart else 1)
PYTHON

NUMBA_ENABLE_CUDASIM=1 "$folder/venv/bin/python" "$folder/seen.py"
