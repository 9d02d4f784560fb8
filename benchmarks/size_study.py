"""``python -m benchmarks.size_study``: the size of every symmetry test on fresh trained models.

Each pair is two models trained for it alone, from other seeds and by one recipe, so the p-values are
independent and their super-uniformity can be tested. Writes ``tables/size.csv`` (one row a pair, log10 p)
and its page. Interrupt it at will: models in the folder and pairs in the CSV are kept. A pair is tested again if
the CSV lacks one of the tests; where a test was changed, delete the CSV.
"""

from __future__ import annotations

import argparse
import csv
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import verify
from verify.statistics import EXACT_TESTS

from . import pages
from .pages.size import ARCHITECTURES
from .results import TABLES
from .zoo.__main__ import CACHE
from .zoo.build import Recipe, begin, finish

COLUMNS = ["architecture", "pair", *(test.id for test in EXACT_TESTS)]
SCALE = "tiny"
STACK = 20  # models trained side by side


def main() -> None:
    """Train, test and tabulate."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.size_study", description=__doc__)
    parser.add_argument("--pairs", type=int, default=200, help="pairs per architecture")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--models", type=Path, default=CACHE / "size", help="folder of the models (%(default)s)")
    parser.add_argument("--train-only", action="store_true", help="test nothing yet")
    options = parser.parse_args()
    options.models.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.workers) as pool:
        started = time.perf_counter()
        rounds = [range(i, min(i + STACK // 2, options.pairs)) for i in range(0, options.pairs, STACK // 2)]
        stacks = [(architecture, pairs) for pairs in rounds for architecture in ARCHITECTURES]
        for n, trained in enumerate(pool.map(partial(_train, options.models), stacks), start=1):
            print(f"{time.perf_counter() - started:.0f} s  {n} of {len(stacks)}: {trained}", flush=True)
        if options.train_only:
            return
        path = TABLES / "size.csv"
        rows = [row for row in _read(path) if set(COLUMNS) <= set(row)]
        done = {(row["architecture"], int(row["pair"])) for row in rows}
        wanted = [(a, i) for a in ARCHITECTURES for i in range(options.pairs) if (a, i) not in done]
        for n, row in enumerate(pool.map(partial(_test, options.models), wanted), start=1):
            rows.append(row)
            if n % 20 == 0 or n == len(wanted):
                _write(path, rows)
                print(f"{n} of {len(wanted)} pairs", flush=True)
    pages.write(["size"])


def _train(folder: Path, stack: tuple[str, range]) -> str:
    """Train the models of some pairs side by side; those in the folder are kept."""
    import torch

    from .zoo.stacked import train_stacked

    torch.set_num_threads(1)
    architecture, pairs = stack
    names = [f"{architecture}-{pair}{side}" for pair in pairs for side in "ab"]
    recipe = Recipe({n: {"name": n, "architecture": architecture, "train": {"data": "code"}} for n in names})
    models = [begin(recipe, folder, SCALE, name) for name in names if not (folder / name).exists()]
    if models:
        for model, weights, loss in zip(models, *train_stacked(models, "cpu"), strict=True):
            finish(recipe, folder, SCALE, model, weights, loss)
    return f"{architecture} {pairs[0]} to {pairs[-1]}, {len(models)} models"


def _test(folder: Path, which: tuple[str, int]) -> dict[str, str]:
    architecture, pair = which
    prints = [verify.fingerprint(folder / f"{architecture}-{pair}{side}") for side in "ab"]
    row = {"architecture": architecture, "pair": str(pair)}
    for test in EXACT_TESTS:
        log10_p = test(*prints).log10_p
        row[test.id] = "" if log10_p is None else f"{log10_p:.6f}"
    return row


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: (row["architecture"], int(row["pair"]))))


if __name__ == "__main__":
    main()
