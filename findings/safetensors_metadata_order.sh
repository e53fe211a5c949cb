#!/usr/bin/env bash
# safetensors 0.8.0 writes the metadata of one and the same call in an order that differs from call to call.
#
# Guess: serialising the same tensors and metadata twice gives the same bytes; the tensors are sorted.
# Behaviour: the tensors are sorted, the entries of __metadata__ are not. With five entries, 40 calls in one
# process give many different files of one length, so that neither hashes nor version control can compare them.
# PYTHONHASHSEED has no part in it: the order comes from a hash map of the Rust side.
# Source: safetensors, the Python binding passes metadata as a HashMap to serialize (safetensors/src/tensor.rs).
# What xpnet does about it: xpnet/_safetensors.py writes the header again with the metadata sorted.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
PYTHONHASHSEED=0 "$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
from safetensors.numpy import save

tensors = {"W": np.ones((2, 2), np.float32), "b": np.zeros(2, np.float32)}
metadata = {name: name for name in ("format", "net", "author", "sha256", "licence")}
files = {save(tensors, metadata) for _ in range(40)}
bare = {save(tensors) for _ in range(40)}
print(f"40 calls with five entries of metadata: {len(files)} different files, lengths {set(map(len, files))}")
print(f"40 calls without metadata: {len(bare)} different files")
assert len(files) > 1, "the behaviour has changed: equal calls give equal bytes"
assert len(bare) == 1 and len(set(map(len, files))) == 1, "the behaviour has changed"
PYTHON
