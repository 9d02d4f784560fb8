"""``python -m docs.checker OUT``: assemble the checker page in a folder; docs/checker.md tells how to serve it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from .build import BuildError, build, sha256


def main() -> None:
    """Build, and print each file with its size and digest."""
    parser = argparse.ArgumentParser(prog="python -m docs.checker", description=__doc__)
    parser.add_argument("out", type=Path, help="A new folder.")
    parser.add_argument("--wheels", type=Path, help="A folder in which downloads are kept, and first looked for.")
    given = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            files = build(given.out, given.wheels or Path(folder))
    except BuildError as error:
        sys.exit(str(error))
    for path in files:
        sys.stdout.write(f"{sha256(path)}  {path.stat().st_size:>10}  {path.name}\n")
    sys.stdout.write(f"{sum(path.stat().st_size for path in files) / 2**20:.1f} MB in {given.out}\n")


if __name__ == "__main__":
    main()
