"""The tests under one floating-point kernel of the BLAS after another: ``python -m tests.kernels``.

OpenBLAS holds kernels for many processors and takes those that ``OPENBLAS_CORETYPE`` names, so one machine can round
as others do. Each is first tried in a process of its own, which tells the kernels that really run: a processor may
lack their instructions, and OpenBLAS has one set for several names. The last is numpy's own loops without the
extensions of this processor. Arguments after ``--`` go to pytest; without any the whole
suite runs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

import numpy as np

KERNELS = ("Prescott", "Haswell", "Zen", "SkylakeX", "SapphireRapids")
PLAIN = "plain loops"
PROBE = """
import numpy as np
from verify.base.versions import blas
x = np.random.default_rng(0).standard_normal((300, 300))
for y in (x, x.astype(np.float32)):
    np.linalg.svd(y @ y.T), np.linalg.qr(y), np.linalg.eigh(y @ y.T), y[0] @ y[1], np.exp(y), np.log(abs(y))
print(blas())
"""


def environment(kernel: str) -> dict[str, str]:
    """The environment in which a process rounds as a processor of that name does."""
    if kernel == PLAIN:
        found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
        return os.environ | {"NPY_DISABLE_CPU_FEATURES": " ".join(found)}
    return os.environ | {"OPENBLAS_CORETYPE": kernel}


def runs(kernel: str) -> str | None:
    """The BLAS and the kernels that a process really runs under that name; None where this processor cannot."""
    done = subprocess.run([sys.executable, "-c", PROBE], env=environment(kernel), capture_output=True, text=True)
    if done.returncode > 0:
        raise RuntimeError(f"{kernel}: the probe fails.\n{done.stderr}")
    return done.stdout.strip() if done.returncode == 0 else None  # below 0: ended by a signal, no such instruction


def main(arguments: list[str] | None = None) -> int:
    """Run the tests under each kernel; 0 if they pass under all that run here, of which there must be two."""
    parser = argparse.ArgumentParser(prog="python -m tests.kernels", description="Test under several BLAS kernels.")
    parser.add_argument("--only", nargs="+", choices=(*KERNELS, PLAIN), default=[*KERNELS, PLAIN])
    parser.add_argument("pytest", nargs="*", help="after --: arguments of pytest; none for the whole suite")
    options = parser.parse_args(arguments)
    tried: dict[str, str] = {}
    failed = False
    for kernel in options.only:
        found = runs(kernel)
        if found is None:
            print(f"{kernel}: not run, as this processor cannot", flush=True)
            continue
        before = tried.get(found)
        if before is not None and kernel != PLAIN:
            print(f"{kernel}: not run, as {found} ran for {before}", flush=True)
            continue
        tried.setdefault(found, kernel)
        start = time.monotonic()
        code = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *options.pytest], env=environment(kernel)
        ).returncode
        outcome = "passed" if code == 0 else f"FAILED (pytest's status {code})"
        print(f"{kernel}: {outcome} with {found}, {time.monotonic() - start:.0f} s", flush=True)
        failed = failed or code != 0
    if len(tried) < 2:
        print("Fewer than two kernels run here: name others, or install a numpy that is built with OpenBLAS.")
    return int(failed or len(tried) < 2)


if __name__ == "__main__":
    sys.exit(main())
