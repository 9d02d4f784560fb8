"""``python examples/dispute/adjudicate.py``, from any folder: what ``python -m examples.dispute`` does."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # the repository, so that this folder is a package
    runpy.run_module("examples.dispute", run_name="__main__")
