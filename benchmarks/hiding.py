"""``python -m benchmarks.hiding``: which change of the weights hides a copy from which test.

Changes trained models in every way that keeps their function, one way at a time and all together, and compares each
copy with what it was made from. Writes ``tables/hiding.json`` and its page.
"""

from __future__ import annotations

import argparse
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import verify
from verify.statistics import EXACT_TESTS

from . import trained
from .pages import publish
from .results import rounded
from .zoo.build import ZOO, read, seed
from .zoo.changes import ALL, CHANGES, changed


def main() -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hiding", description=__doc__)
    trained.argument(parser)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    folders = trained.folders(options.zoo)
    with ProcessPoolExecutor(options.workers) as pool:
        found = zip(folders, pool.map(_rows, folders.values()), strict=True)
        models = [{"family": family, "rows": rows} for family, rows in found]
    publish("hiding", {"tests": [test.id for test in EXACT_TESTS], "models": models})


def _rows(folder: Path) -> list[dict[str, Any]]:
    weights, c = read(folder.parent, folder.name)
    named = [next(iter(step)) for step in ZOO.models["obfuscated"]["do"]]
    lists = {"nothing": [], **{name: [name] for name in CHANGES}, "obfuscated": named, "obfuscated-all": list(ALL)}
    reference, rows = verify.fingerprint(folder), []
    with tempfile.TemporaryDirectory() as scratch:
        for name, wanted in lists.items():
            done = [change for change in wanted if CHANGES[change].applies(c)]
            if wanted and not done:
                continue
            after = changed(weights, c, np.random.default_rng(seed(name)), *done)
            copy = verify.fingerprint(trained.write(Path(scratch, folder.name), folder, after))
            title = CHANGES[name].title if name in CHANGES else name
            found = {test.id: rounded(test(copy, reference).log10_p) for test in EXACT_TESTS}
            rows.append({"change": title, "log10_p": found})
    return rows


if __name__ == "__main__":
    main()
