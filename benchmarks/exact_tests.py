"""``python -m benchmarks.exact_tests``: seconds of the five exact tests on large models.

Fingerprints of independent random vectors under the default sketch, of the shapes of published models of 48
layers. Writes ``tables/exact_tests.md``.
"""

from __future__ import annotations

import argparse
import resource
from pathlib import Path
from time import perf_counter

import numpy as np

from tests.strategies import fingerprint_of, random_arrays
from verify.checkpoint import Architecture
from verify.fingerprint import Fingerprint, SketchSpec
from verify.statistics import EXACT_TESTS

from .kernels.machine import machine
from .shapes import SHAPES as PUBLISHED

TABLE = Path(__file__).parent / "tables" / "exact_tests.md"
DENSE = PUBLISHED["14B"].at(48).architecture()
SHAPES = {"48 dense layers": DENSE} | {
    f"48 layers of {n} experts": DENSE.model_copy(update={"hidden": 0, "experts": n, "expert_hidden": 1408})
    for n in (64, 128)
}


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exact_tests", description=__doc__)
    parser.add_argument("--shapes", nargs="*", default=list(SHAPES), choices=SHAPES)
    parser.add_argument("--dry", action="store_true", help="print, but leave the table")
    options = parser.parse_args()
    lines = [
        "# Cost of the exact tests",
        "",
        "Seconds of one comparison of two strangers under the default sketch, 40 heads and 8 kv heads, width 5120.",
        f"{machine()} `python -m benchmarks.exact_tests`.",
        "",
        "| model | " + " | ".join(test.id for test in EXACT_TESTS) + " | total | peak GB |",
        "|---|" + "---:|" * (len(EXACT_TESTS) + 2),
    ]
    for name in options.shapes:
        a, b = (stranger(np.random.default_rng(seed), SHAPES[name]) for seed in (1, 2))
        seconds = []
        for test in EXACT_TESTS:
            start = perf_counter()
            test(a, b)
            seconds.append(perf_counter() - start)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        cells = " | ".join(f"{s:.1f}" for s in (*seconds, sum(seconds)))
        lines.append(f"| {name} | {cells} | {peak:.1f} |")
        print(lines[-1], flush=True)
    if not options.dry:
        TABLE.write_text("\n".join(lines) + "\n", "utf-8")


def stranger(rng: np.random.Generator, shape: Architecture) -> Fingerprint:
    """A model of independent Gaussian vectors, with the arrays of the exact tests."""
    sketch = SketchSpec()
    arrays = random_arrays(rng, shape, sketch, dtype=np.float32)
    return fingerprint_of(arrays, shape, name="stranger", sketch=sketch)


if __name__ == "__main__":
    main()
