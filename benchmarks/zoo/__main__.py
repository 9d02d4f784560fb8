"""``python -m benchmarks.zoo``: build the zoo."""

from __future__ import annotations

import argparse
from pathlib import Path

from .build import MODELS, RECIPE, build


def main() -> None:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.zoo", description=__doc__)
    parser.add_argument("--scale", choices=list(RECIPE["scale"]), default="standard")
    parser.add_argument("--out", type=Path, default=Path.home() / ".cache" / "verify" / "zoo")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"default: all of {', '.join(MODELS)}")
    options = parser.parse_args()
    build(options.out / options.scale, options.scale, options.models, workers=options.workers)


if __name__ == "__main__":
    main()
