"""``python -m benchmarks.evasion``: attack, measure, and write the tables, their pages and the paper's figure.

Needs the extra ``zoo``. Finished cells are kept in ``--out``, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from ..pages import publish
from ..zoo.__main__ import CACHE
from .attack import NAMES, steps
from .cell import Cells
from .figure import draw
from .models import REFERENCES, pairs
from .table import evasion_table, forgery_table
from .trained import TRAININGS

UNTRAINED = 3
"""Pairs for the attacks without training: there are many, and they vary less."""


def main() -> None:
    """Parse the command line, measure what is left, and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evasion", description=__doc__)
    parser.add_argument("--zoo", type=Path, default=CACHE, help="folder of trained models; absent ones are trained")
    parser.add_argument("--out", type=Path, default=CACHE / "evasion", help="folder of finished cells")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="ATTACK", help=", ".join(NAMES))
    parser.add_argument("--pairs", type=int, choices=range(1, len(REFERENCES) + 1), default=len(REFERENCES))
    parser.add_argument("--untrained", type=int, default=UNTRAINED, help="pairs for attacks without training")
    parser.add_argument("--dry", action="store_true", help="measure, and write no table")
    options = parser.parse_args()
    if not options.dry and set(options.only) != set(NAMES):
        parser.error("a table needs every attack; leave out --only, or add --dry")
    cells, found, began = Cells(options.out), [], time.perf_counter()
    for place, pair in enumerate(pairs(options.zoo, options.pairs)):
        only = [name for name in options.only if place < options.untrained or name in TRAININGS]
        for step in steps(pair, cells, only):
            found.append(step)
            print(
                f"\r{time.perf_counter() - began:6.0f} s  {len(found)} cells  {step[:4]}\033[K",
                end="",
                file=sys.stderr,
            )
    print(file=sys.stderr)
    if not options.dry:
        content = evasion_table(found)
        publish("evasion", content)
        publish("forgery", forgery_table(found))
        draw(content)


if __name__ == "__main__":
    main()
