"""``python -m benchmarks.zoo.twins``: train the twins, one recipe after the other on each worker.

A finished model is never trained again, so the command may be interrupted and called again; one run at a time in a
folder. Sets whose names end in ``-trial`` are for timing and belong to no study.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from pathlib import Path

from ..__main__ import CACHE
from .build import SETS, build, ordered


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.zoo.twins", description=__doc__)
    parser.add_argument(
        "--sets", nargs="+", metavar="SET", help="default: all but trials", default=list(chain(*SETS))
    )
    parser.add_argument("--recipes", type=_numbers, default=slice(None), metavar="FROM:TO", help="of each set")
    parser.add_argument("--out", type=Path, default=CACHE / "twins")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    try:
        chosen = ordered(options.sets, options.recipes)
    except KeyError as error:
        parser.error(str(error.args[0]))
    try:
        build(chosen, options.out, workers=options.workers)
    except FileNotFoundError as error:
        sys.exit(str(error))
    except BrokenProcessPool:
        sys.exit("A worker was ended from outside, perhaps for want of memory; the same command goes on from here.")
    except KeyboardInterrupt:
        sys.exit("Interrupted; the same command goes on where this one stopped.")


def _numbers(said: str) -> slice:
    first, _, last = said.partition(":")
    try:
        return slice(int(first or 0), int(last) if last else None)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{said!r} is no range; give FROM:TO, such as 0:12.") from None


if __name__ == "__main__":
    main()
