"""``python -m examples.dispute``: adjudicate the dispute, and write the page, its results and its reports.

All of it comes from ``correlations.csv`` and ``fingerprints/``. With ``--data`` (default: ``../shared/data`` beside
the repository, if there is one) the correlations are computed anew from the published statistics; with ``--models``
the fingerprints are, from models that ``python -m benchmarks.zoo --recipe dispute --scale deep`` trains.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import verify

from .correlations import write_rows
from .generate import HERE, generate
from .populations import CLAIMED
from .published import published
from .reenactment import MODELS

DATA = HERE.parents[1] / ".." / "shared" / "data"


def main() -> None:
    """Compute, and write everything."""
    parser = argparse.ArgumentParser(description=f"Adjudicate the dispute over a correlation of {CLAIMED}.")
    parser.add_argument("--data", type=Path, default=DATA if DATA.is_dir() else None, help="published statistics")
    parser.add_argument("--models", type=Path, help="trained models of the re-enactment, to fingerprint them anew")
    parser.add_argument("-o", "--output", type=Path, default=HERE, help="folder to write the page to")
    options = parser.parse_args()
    if options.data is not None:
        write_rows(published(options.data), HERE / "correlations.csv")
    for name in MODELS if options.models else ():
        verify.fingerprint(options.models.expanduser() / name).save(HERE / "fingerprints" / f"{name}.safetensors")
    generate(options.output)


if __name__ == "__main__":
    main()
