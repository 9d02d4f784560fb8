"""``python -m benchmarks.exact_tests``: seconds of the exact tests on large models.

Fingerprints of independent random vectors under the default sketch, of the shapes of published models of 48
layers. Writes ``tables/exact_tests.json`` and its page.
"""

from __future__ import annotations

import argparse
import resource
from time import perf_counter

import numpy as np

from tests.strategies import fingerprint_of, random_arrays
from verify.checkpoint import Architecture
from verify.fingerprint import Fingerprint, SketchSpec
from verify.statistics import EXACT_TESTS

from .kernels.machine import machine
from .pages import publish
from .shapes import SHAPES as PUBLISHED

DENSE = PUBLISHED["14B"].at(48).architecture()
SHAPES = {"48 dense layers": DENSE} | {
    f"48 layers of {n} experts": DENSE.model_copy(update={"hidden": 0, "experts": n, "expert_hidden": 1408})
    for n in (64, 128)
}


def main() -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exact_tests", description=__doc__)
    parser.add_argument("--shapes", nargs="*", default=list(SHAPES), choices=SHAPES)
    parser.add_argument("--dry", action="store_true", help="print, but write nothing")
    options = parser.parse_args()
    rows = []
    for name in options.shapes:
        a, b = (stranger(np.random.default_rng(seed), SHAPES[name]) for seed in (1, 2))
        seconds = {}
        for test in EXACT_TESTS:
            start = perf_counter()
            test(a, b)
            seconds[test.id] = perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        rows.append({"model": name, "seconds": seconds, "total": sum(seconds.values()), "peak_gigabytes": peak})
        print(rows[-1], flush=True)
    if not options.dry:
        publish("exact_tests", {"machine": machine(), "tests": [test.id for test in EXACT_TESTS], "rows": rows})


def stranger(rng: np.random.Generator, shape: Architecture) -> Fingerprint:
    """A model of independent Gaussian vectors, with the arrays of the exact tests."""
    sketch = SketchSpec()
    arrays = random_arrays(rng, shape, sketch, dtype=np.float32)
    return fingerprint_of(arrays, shape, name="stranger", sketch=sketch)


if __name__ == "__main__":
    main()
