#!/usr/bin/env bash
# Numba 0.68.1 with NumPy 2.4.6 refuses a masked array only until a kernel has been compiled for plain arrays.
#
# Guess: a kernel called with numpy.ma.MaskedArray raises NumbaTypeError, whatever was called before.
# Behaviour: the first call raises. After one call with a plain array of the same dtype and rank, the same
# masked array is accepted, its mask is ignored, and the hidden values take part in the result.
# Source: numba/core/typing/typeof.py, _typeof_ndarray, raises for MaskedArray (numba pull request 8597). It is
# reached when no compiled version fits. The dispatcher's own look-up, numba/_typeof.cpp, comes first.
# What xpnet does about it: xpnet_kernels/_plain.py refuses masked arrays before the dispatcher sees them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check numba==0.68.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numba
import numpy as np


@numba.njit
def total(x):
    result = 0.0
    for value in x:
        result += value
    return result


def attempt(x):
    try:
        return total(x)
    except numba.core.errors.NumbaTypeError:
        return "NumbaTypeError"


plain = np.array([1.0, 2.0, 4.0])
masked = np.ma.masked_array(plain, mask=[False, False, True])
seen = attempt(masked), attempt(plain), attempt(masked)
print("masked, plain, masked again:", *seen)
print("numpy's own sum of the masked array:", masked.sum())
assert seen == ("NumbaTypeError", 7.0, 7.0), "the behaviour has changed"
PYTHON
