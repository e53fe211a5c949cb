#!/usr/bin/env bash
# NumPy 2.4.6 (wheel with OpenBLAS 0.3.31): small float32 products with a long inner axis lose digits.
#
# Expected: x.T @ dout adds up its inner axis in blocks, so that 10,000 equal products lose about as few digits
# as 14,000 do.
# Seen, on a processor with AVX-512 and with OpenBLAS's kernels for it: (24, K) @ (K, 3) is off by 3e-5 at
# K = 10,000 and by 2e-6 at K = 14,000; (10, K) @ (K, 2) by 2e-4 at K = 20,000 and by 1e-6 at K = 60,000.
# Products of at most a million multiplications are added up one after another.
# Source: OpenBLAS, kernel/x86_64/sgemm_small_kernel_permit_skylakex.c (the limit of 100 * 100 * 100) and
# sgemm_small_kernel_*_skylakex.c (one sum for each element over the whole of K).
#
# Exits 0 while that is so, or where the processor has no AVX-512, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder" numpy==2.4.6

OPENBLAS_NUM_THREADS=1 PYTHONPATH="$folder" python3 - <<'PYTHON'
import pathlib

import numpy as np

if "avx512f" not in pathlib.Path("/proc/cpuinfo").read_text():
    print("this processor has no AVX-512: nothing to see")
    raise SystemExit(0)


def error(rows, columns, inner):
    """Return how far a product of 0.1's is off, relative to it."""
    x, dout = np.full((inner, rows), 0.1, "float32"), np.full((inner, columns), 0.1, "float32")
    exact = inner * np.float64(np.float32(0.1)) ** 2
    off = float(np.abs(x.T @ dout - exact).max() / exact)
    print(f"({rows}, {inner}) @ ({inner}, {columns}): {rows * inner * columns} multiplications, off by {off:.0e}")
    return off


small = error(24, 3, 10_000), error(10, 2, 20_000)
large = error(24, 3, 14_000), error(10, 2, 60_000)
same = min(small) > 1e-5 and max(large) < 1e-5
print("still so: the shorter sums are the worse ones" if same else "changed")
raise SystemExit(0 if same else 1)
PYTHON
