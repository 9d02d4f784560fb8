"""``python -m benchmarks.fuzz``: many cases of every reader, one after the other; counts go to ``tables/fuzz.json``.

Each reader has a process of its own with a bound of memory, so that its peak is its own and a crash ends no other.
The case of a number is the same at every run of one seed.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from .. import results
from .outcome import case, tried
from .readers import READERS, made

CASES = {
    "safetensors": 4000,
    "index": 6000,
    "config": 1500,
    "tokenizer": 1000,
    "ranks": 2000,
    "state spaces": 2000,
    "adapter": 3000,
    "layout": 6000,
    "gguf": 4000,
    "onnx": 4000,
    "torch, zip": 4000,
    "torch, before 1.6": 6000,
    "quantised": 16000,
    "codebooks and tiles": 6000,
    "card": 500,
    "recipe": 25000,
    "fingerprint": 3000,
    "report": 500,
    "reports of weights": 2500,
    "calibration": 1500,
    "scores": 8000,
    "envelope": 3000,
    "panel": 1500,
    "screen": 500,
    "library": 1500,
    "options": 5000,
    "answers of servers": 25000,
}
"""Cases of each reader, more where one takes less time."""
_MEMORY = 4 << 30  # bytes of address space, which with the libraries is some 2 GiB of memory
_KEPT = 20  # cases that are kept for a reader


def main() -> None:
    """Run the readers named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("readers", nargs="*", help=f"of {'; '.join(READERS)}; default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=1.0, help="of the usual number of cases")
    parser.add_argument("--faults", type=Path, help="folder where the cases that are faults are kept")
    parser.add_argument("--dry", action="store_true", help="print, and write no table")
    options = parser.parse_args()
    if unknown := set(options.readers).difference(READERS):
        parser.error(f"no reader is named {', '.join(sorted(unknown))}")
    for name in options.readers or READERS:
        row = _apart(name, options.seed, max(1, int(CASES[name] * options.share)), options.faults)
        print(json.dumps({"reader": name, **row}), flush=True)
        if not options.dry:
            _kept(name, options.seed, row)


def _kept(name: str, seed: int, row: dict[str, Any]) -> None:
    """Put the row of a reader into the table."""
    try:
        table = results.read("fuzz")
    except FileNotFoundError:
        table = {"readers": {}}
    rows = table["readers"] | {name: {"seed": seed, **row}}
    results.write("fuzz", {"readers": {one: rows[one] for one in READERS if one in rows}})


def _apart(name: str, seed: int, cases: int, faults: Path | None) -> dict[str, Any]:
    """The row of a reader, made in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "row.json"
        if not (child := os.fork()):
            try:
                told.write_text(json.dumps(_row(name, seed, cases, faults, Path(folder))), "utf-8")
            finally:
                os._exit(0)
        _, status, used = os.wait4(child, 0)
        if not told.is_file():
            at = Path(folder) / "at"
            where = f"case {at.read_text('utf-8')}" if at.exists() else "the sound files"
            raise SystemExit(f"{name}: the process ended with {status} at {where}.")
        row: dict[str, Any] = json.loads(told.read_text("utf-8"))
        return row | {"MiB": round(used.ru_maxrss / 1024)}


def _row(name: str, seed: int, cases: int, faults: Path | None, folder: Path) -> dict[str, Any]:
    logging.getLogger("verify").setLevel(logging.CRITICAL)
    seeds = made(name, folder / "work")
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    kinds, found, slowest, start = Counter[str](), Counter[str](), 0.0, time.process_time()
    at = os.open(folder / "at", os.O_WRONLY | os.O_CREAT)
    for number in range(cases):
        os.pwrite(at, b"%d" % number, 0)
        one = case(seeds, name, seed, number)
        outcome = tried(one)
        kinds[outcome.kind] += 1
        slowest = max(slowest, outcome.seconds)
        if outcome.fault:
            found[outcome.fault[:200]] += 1
            if faults is not None and len(found) <= _KEPT and found[outcome.fault[:200]] == 1:
                faults.mkdir(parents=True, exist_ok=True)
                (faults / f"{name}-{number}.case").write_bytes(one.content)
    return {
        "cases": cases,
        "sound_files": len(seeds),
        "outcomes": dict(sorted(kinds.items(), key=lambda entry: (-entry[1], entry[0]))),
        "faults": dict(found.most_common()),
        "seconds": round(time.process_time() - start, 1),
        "slowest": round(slowest, 2),
    }


if __name__ == "__main__":
    main()
