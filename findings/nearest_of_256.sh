#!/usr/bin/env bash
# bitsandbytes' quantisation to 8 bits on a CPU does not take the nearest of its 256 numbers.
#
# Packages: bitsandbytes 0.50.2, torch 2.14.1, numpy 2.4.6; Python 3.11.
#
# The guess: quantize_blockwise divides a block by its largest magnitude and takes, for each number, the nearest of the
#   256 of the code, as its fallback in Python does (argmin of the distances). Zero is one of them and stays zero.
# The behaviour: the compiled code for the CPU moves the quotient first to one of 65536 equally spaced numbers from -1
#   to 1, of which zero is none, and takes the nearest to that. A quotient less than 1.5e-5 from the middle between two
#   may get the farther one, and a zero comes back as 2.1e-5 of the largest magnitude of its block. Scales that are
#   quantised in turn (compress_statistics) on a CPU differ from what the formula gives.
#
# Output seen:
#   65280 quotients spread around the middles of two codes: 17486 get the farther one, none by more than 1.5e-05
#   65280 zeros come back as 2.12e-05 to 2.12e-05
#
# Exits non-zero if this is no longer so. Needs about 6 GB of disk for the packages, which are removed at the end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check bitsandbytes==0.50.2 torch==2.14.1 numpy==2.4.6
cat >nearest.py <<'PYTHON'
import bitsandbytes.functional as F
import numpy as np
import torch

code = F.create_dynamic_map()
table = code.numpy()


def taken(v: np.ndarray) -> np.ndarray:
    """Codes of numbers in blocks of 256 whose first is 1, so that numbers are quotients."""
    blocks = np.concatenate([np.ones((len(v) // 255, 1), np.float32), v.reshape(-1, 255)], 1)
    found, state = F.quantize_blockwise(torch.from_numpy(blocks), code=code, blocksize=256)
    assert (state.absmax == 1).all()
    return found.numpy()[:, 1:].ravel()


middles = (table[1:].astype(np.float64) + table[:-1]) / 2
spread = np.random.default_rng(0).uniform(-1.5e-5, 1.5e-5, (256, 255))
v = (middles + spread).astype(np.float32)
got = taken(v.ravel())
away = np.abs(v.ravel()[:, None].astype(np.float64) - table)
farther = away[np.arange(len(got)), got] > away.min(1)
off = (away[np.arange(len(got)), got] - away.min(1)).max() / 2
print(
    f"{len(got)} quotients spread around the middles of two codes: {farther.sum()} get the farther one, "
    f"none by more than {off:.3g}"
)
zeros = table[taken(np.zeros(255 * 256, np.float32))]
print(f"{len(zeros)} zeros come back as {zeros.min():.3g} to {zeros.max():.3g}")
changed = "the behaviour has changed"
assert 0 in table and farther.mean() > 0.2 and off < 1.6e-5 and zeros.min() > 2e-5, changed
PYTHON
env/bin/python nearest.py 2>/dev/null
