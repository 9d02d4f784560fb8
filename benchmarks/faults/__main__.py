"""``python -m benchmarks.faults``: every command that does work, disturbed; counts go to ``tables/faults.json``.

The moment of a disturbance is a number drawn by the seed, of the time that an undisturbed run takes; so what it falls
on differs from machine to machine.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.server import Server, running

from .. import results
from .disturb import FAULTS, Desk, Fault, Left, tried, unavailable
from .jobs import Job, jobs, prepared

TRIES: dict[Fault, int] = {
    "kill -9": 4,
    "Ctrl-C": 4,
    "file size limit": 2,
    "disk full": 2,
    "read-only folder": 1,
    "lost network": 5,
    "three at once": 1,
}
"""Disturbances of each command."""


def main() -> None:
    """Disturb the commands named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("commands", nargs="*", help="default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", nargs="*", choices=FAULTS, default=list(FAULTS))
    parser.add_argument("--dry", action="store_true", help="print, and write no table")
    options = parser.parse_args()
    for name, row in disturbed(options.commands, options.faults, options.seed):
        print(json.dumps({"command": name, **row}), flush=True)
        if not options.dry:
            _kept(name, options.seed, row)


def disturbed(names: list[str], faults: list[Fault], seed: int, tries: dict[Fault, int] = TRIES) -> Any:
    """The row of each command in turn.

    Parameters
    ----------
    names : commands; none for all.
    faults : disturbances.
    seed : decides the moments.
    tries : disturbances of each kind.
    """
    with tempfile.TemporaryDirectory(prefix="verify-faults-") as folder, running(Server()) as server:
        scratch = Path(folder)
        scratch.chmod(0o755)
        (scratch / "inputs").mkdir()
        server.files |= prepared(scratch / "inputs", _verify)
        for name, job in jobs(scratch / "inputs").items():
            if not names or name in names:
                yield name, _row(name, job, scratch, server, faults, seed, tries)


def _row(
    name: str, job: Job, scratch: Path, server: Server, faults: list[Fault], seed: int, tries: dict[Fault, int]
) -> dict[str, Any]:
    whole, seconds = _undisturbed(Desk(scratch / f"{name} whole", job, server))
    row: dict[str, Any] = {"seconds": round(seconds, 2), "files": len(whole.files), "faults": {}}
    for fault in faults:
        if (why := unavailable(fault, job, scratch)) is not None:
            row["faults"][fault] = {"skipped": why}
            continue
        found, wrong = Counter[str](), Counter[str]()
        for number in range(tries[fault]):
            desk = Desk(scratch / f"{name} {fault} {number}", job, server)
            one = tried(desk, whole, seconds, fault, random.Random(f"{seed} {name} {fault} {number}"))
            found[one.ended] += 1
            wrong.update(one.wrong)
        row["faults"][fault] = {"ended": dict(sorted(found.items())), "wrong": dict(wrong)}
    return row


def _undisturbed(desk: Desk) -> tuple[Left, float]:
    """What a run leaves that nothing disturbs, and the seconds that a second one takes, in a folder of its own.

    Raises
    ------
    RuntimeError
        If it fails, or the two differ.
    """
    whole = desk.run()
    again = Desk(desk.place.with_name(f"{desk.place.name} again"), desk.job, desk.server)
    start = time.perf_counter()
    second = again.run()
    seconds = time.perf_counter() - start
    same = {name: desk.job.compared(x) for name, x in whole.files.items()} == {
        name: desk.job.compared(x) for name, x in second.files.items()
    }
    if whole.status or not (same or desk.job.random):
        raise RuntimeError(f"{desk.job.arguments} ended with {whole.status}, or is not the same twice: {whole.err}")
    return whole, seconds


def _verify(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "verify", *arguments], check=True, stdout=subprocess.DEVNULL)


def _kept(name: str, seed: int, row: dict[str, Any]) -> None:
    """Put the row of a command into the table."""
    try:
        table = results.read("faults")
    except FileNotFoundError:
        table = {"commands": {}}
    results.write("faults", {"commands": table["commands"] | {name: {"seed": seed, **row}}})


if __name__ == "__main__":
    main()
