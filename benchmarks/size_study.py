"""``python -m benchmarks.size_study``: the size of every symmetry test on fresh trained models.

Each pair is two models trained for it alone, from other seeds and by one recipe, so the p-values are
independent and their super-uniformity can be tested. Writes ``tables/size.csv`` (one row a pair, log10 p)
and its page. Interrupt it at will: pairs already in the CSV are kept.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import verify
from verify.statistics import EXACT_TESTS

from . import pages
from .pages.size import ARCHITECTURES
from .results import TABLES
from .zoo.build import Recipe, build_one

COLUMNS = ["architecture", "pair", *(test.id for test in EXACT_TESTS)]


def main() -> None:
    """Train, test and tabulate."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.size_study", description=__doc__)
    parser.add_argument("--pairs", type=int, default=200, help="pairs per architecture")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    path = TABLES / "size.csv"
    rows = _read(path)
    done = {(row["architecture"], int(row["pair"])) for row in rows}
    wanted = [(a, i) for a in ARCHITECTURES for i in range(options.pairs) if (a, i) not in done]
    with ProcessPoolExecutor(options.workers) as pool:
        for n, row in enumerate(pool.map(_pair, wanted), start=1):
            rows.append(row)
            if n % 20 == 0 or n == len(wanted):
                _write(path, rows)
                print(f"{n} of {len(wanted)} pairs", flush=True)
    pages.write(["size"])


def _pair(which: tuple[str, int]) -> dict[str, str]:
    architecture, pair = which
    names = [f"size-{architecture}-{pair}-{side}" for side in "ab"]
    recipe = Recipe({n: {"name": n, "architecture": architecture, "train": {"data": "code"}} for n in names})
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            build_one(recipe, Path(folder), "tiny", name)
        prints = [verify.fingerprint(Path(folder, name)) for name in names]
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
