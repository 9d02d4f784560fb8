"""``python -m benchmarks.spread_pass``: how fast the moments of all entries of a file are found.

Writes bfloat16 matrices of 1 GB into a temporary folder and passes the file, which stays in the page cache,

- naively: ``safe_open(...).get_tensor(...).astype(float32)``, then mean, standard deviation and norm;
- by ``verify.fingerprint.moments`` from a mapping of the file, on one thread and on two (mean, standard
  deviation, root mean square and kurtosis);
- not at all, but for one read of every byte of the mapping,

in turn, in one process, and keeps the best of several rounds. Writes ``tables/spread_pass.json`` and its page.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import ml_dtypes
import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from verify.fingerprint.moments import Moments

from .kernels.machine import machine
from .pages import publish
from .pages.speed import spread_pass

SHAPE = (4096, 4096)


def main() -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spread_pass", description=__doc__)
    parser.add_argument("--tensors", type=int, default=32, help="matrices of 33.6 MB in the file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dry", action="store_true", help="print, but write nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        path = Path(folder) / "model.safetensors"
        _write(path, options.tensors)
        passes: dict[str, Callable[[], object]] = {
            "naive": lambda: _naive(path),
            "moments, 1 thread": lambda: _moments(path, map),
            "moments, 2 threads": lambda: _moments(path, pool.map),
            "bare read": lambda: [int(x.view(np.uint64).max()) for x in _mapped(path)],
        }
        seconds = dict.fromkeys(passes, np.inf)
        for _ in range(options.rounds):
            for name, run in passes.items():
                start = perf_counter()
                run()
                seconds[name] = min(seconds[name], perf_counter() - start)
        size = path.stat().st_size
    found = {
        "machine": machine(),
        "gigabytes": size / 1e9,
        "rounds": options.rounds,
        "passes": [
            {"pass": name, "gigabytes_per_second": size / s / 1e9, "times_naive": seconds["naive"] / s}
            for name, s in seconds.items()
        ],
    }
    print(spread_pass(found))
    if not options.dry:
        publish("spread_pass", found)


def _write(path: Path, tensors: int) -> None:
    rng = np.random.default_rng(0)
    matrix = (rng.standard_normal(SHAPE, dtype=np.float32) * np.float32(0.02)).astype(ml_dtypes.bfloat16)
    save_file({f"{i:03}": np.roll(matrix, i) for i in range(tensors)}, path)


def _naive(path: Path) -> None:
    with safe_open(path, framework="numpy") as file:
        for name in file.keys():  # noqa: SIM118  # not a mapping
            x = file.get_tensor(name).astype(np.float32)
            x.mean(), x.std(), np.linalg.norm(x)


def _moments(path: Path, run: Callable[..., object]) -> None:
    for x in _mapped(path):
        moments = Moments()
        moments.add(x, run)
        moments.summary()


def _mapped(path: Path) -> list[np.ndarray]:
    """The matrices of the file, which all have one size, as views of one mapping."""
    whole = np.memmap(path, dtype=np.uint8, mode="r")
    header = 8 + int.from_bytes(whole[:8].tobytes(), "little")
    return [*whole[header:].view(ml_dtypes.bfloat16).reshape(-1, *SHAPE)]


if __name__ == "__main__":
    main()
