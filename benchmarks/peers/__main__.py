"""``python -m benchmarks.peers``: this library and its peers, on the same pairs of models.

Peers that are packages are installed into environments of their own; others run from a folder of their code, which
``--peer NAME=PATH`` names. Each runs on every pair as a process of its own, with one thread, forked from one that has
imported what is slow to import; what it prints is judged by its own published rule. Time and memory are those of
whole processes, started anew, in turn, on a few of the pairs. A run that is cut short goes on from where it stopped.
Writes ``tables/peers.json`` and its page.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..pages import publish
from ..process import measured
from ..zoo.__main__ import CACHE
from . import awm, mlaudit, model_dna, model_tracing, ours, provenance_kit, reef, seedprints, weightscope
from .environments import environment, made
from .forks import Forks, served
from .pairs import SCALE, Zoo, prepared
from .peer import Answer, Peer, Task

PEERS = (
    ours.EXACT,
    ours.PANEL,
    model_dna.PEER,
    provenance_kit.PEER,
    awm.PEER,
    model_tracing.PHI_U,
    model_tracing.PHI_MATCH,
    seedprints.PEER,
    reef.PEER,
    weightscope.PEER,
    mlaudit.PEER,
)
ROOT = Path(__file__).parents[2]
FAILED = "failed: "
"""Begins what is said for a peer that fails, which is asked again by the next run."""
Row = dict[str, Any]


def main() -> None:
    """Parse the command line, compare, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--zoo", type=Path, default=CACHE / SCALE, help="folder of models (%(default)s)")
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        type=_placed,
        metavar="NAME=PATH",
        help="folder of a peer's code, or of an environment in which a package is installed (repeatable)",
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[peer.name for peer in PEERS])
    parser.add_argument("--environments", type=Path, default=CACHE.parent / "peers", help="(%(default)s)")
    parser.add_argument("--answers", type=Path, help="what a run cut short has found (default: in --environments)")
    options = parser.parse_args()
    places: dict[str, Path] = dict(options.peer)
    if unknown := set(places) - {peer.name for peer in PEERS}:
        parser.error(f"no peer is named {', '.join(sorted(unknown))}; give one of {', '.join(p.name for p in PEERS)}")
    options.environments.mkdir(parents=True, exist_ok=True)
    zoo = prepared(options.zoo)
    answers = options.answers or options.environments / "answers.json"
    chosen = [peer for peer in PEERS if not options.only or peer.name in options.only]
    publish("peers", found(zoo, chosen, places, options.environments, answers))


def _placed(said: str) -> tuple[str, Path]:
    name, equals, path = said.partition("=")
    if not (name and equals and Path(path).is_dir()):
        raise argparse.ArgumentTypeError(f"{said!r} is not NAME=PATH with a folder for PATH.")
    return name, Path(path).resolve()


def found(zoo: Zoo, peers: Sequence[Peer], places: dict[str, Path], environments: Path, answers: Path) -> Row:
    """Every answer of every peer, and why those that did not run did not.

    Parameters
    ----------
    zoo : the pairs.
    peers : who is asked.
    places : folder of a peer's code, or of its environment, by its name.
    environments : folder of the environments that are made.
    answers : file that holds what is known so far; written after every answer.
    """
    known: dict[str, Row] = json.loads(answers.read_text("utf-8")) if answers.exists() else {}
    known = {key: row for key, row in known.items() if not row.get("said", "").startswith(FAILED)}
    with tempfile.TemporaryDirectory(prefix="verify-peers-") as scratch, ExitStack() as closing:
        home = Path(scratch)
        started = {peer.name: _start(peer, zoo, places.get(peer.name), environments, home) for peer in peers}
        running = [(peer, start) for peer in peers if isinstance(start := started[peer.name], Task)]
        serving: dict[Path, Forks] = {}
        for peer, start in running:
            if start.programs not in serving:
                own = environment(home, path=ROOT if peer.environment == "ours" else None)
                forks = served(peer.environment, start.programs, home / f"forks-{len(serving)}", own)
                serving[start.programs] = forks
                closing.callback(forks.close)
        for what, pairs in (("answer", zoo.pairs), ("cost", zoo.timed)):
            for pair in pairs:
                for peer, start in running:
                    key = f"{what} {peer.name} {pair.a} {pair.b}"
                    if key in known:
                        continue
                    task = Task(zoo.folder / pair.a, zoo.folder / pair.b, start.programs, start.place, start.prepared)
                    where = ROOT if peer.environment == "ours" else home
                    if what == "answer":
                        known[key] = _answer(peer, task, serving[start.programs], where)
                    else:
                        known[key] = _cost(peer, task, where, home)
                    answers.write_text(json.dumps(known), "utf-8")
                    print(f"{key}: {' '.join(str(value) for value in known[key].values())}", flush=True)
    return {
        "pairs": [vars(pair) for pair in zoo.pairs],
        "timed": [vars(pair) for pair in zoo.timed],
        "baseline": list(zoo.baseline),
        "peers": [
            {
                "name": peer.name,
                "title": peer.title,
                "source": peer.source + (_commit(places[peer.name]) if peer.checkout and peer.name in places else ""),
                "rule": peer.rule,
                "threshold": peer.threshold,
                "not_run": start if isinstance(start := started[peer.name], str) else None,
            }
            | {
                name: [] if isinstance(start, str) else [known[f"{what} {peer.name} {p.a} {p.b}"] for p in pairs]
                for name, what, pairs in (("answers", "answer", zoo.pairs), ("costs", "cost", zoo.timed))
            }
            for peer in peers
        ],
    }


def _start(peer: Peer, zoo: Zoo, place: Path | None, environments: Path, home: Path) -> Task | str:
    """What a peer's comparisons have in common, or why it does not run."""
    if peer.checkout and place is None:
        return f"its code is not at hand; give --peer {peer.name}=PATH of {peer.source}"
    if peer.prepare and not zoo.baseline:
        return "it needs unrelated models beside those compared, and this zoo has none to spare"
    try:
        if peer.environment == "ours":
            programs = Path(sys.executable).parent
        else:
            programs = place / "bin" if place and not peer.checkout else made(peer.environment, environments)
    except subprocess.CalledProcessError:
        here = f"Python {sys.version_info.major}.{sys.version_info.minor}"
        return f"its packages could not be installed with {here}; give --peer {peer.name}=FOLDER of an environment"
    task = Task(Path(), Path(), programs, place if peer.checkout else None, home / f"prepared-{peer.name}")
    if peer.prepare:
        command = peer.prepare(task, [zoo.folder / name for name in zoo.baseline])
        measured(command, environment=environment(home, path=_code(task)), cwd=home)
    return task


def _answer(peer: Peer, task: Task, forks: Forks, where: Path) -> Row:
    """What a peer says of two models."""
    try:
        return vars(peer.read(forks.run(peer.command(task), cwd=where, path=_code(task))))
    except RuntimeError as error:
        return vars(Answer.none(FAILED + _last_line(str(error))))


def _cost(peer: Peer, task: Task, where: Path, home: Path) -> Row:
    """CPU seconds and bytes of memory of a whole process; none where it fails."""
    try:
        run = measured(peer.command(task), environment=environment(home, path=_code(task)), cwd=where)
    except RuntimeError:
        return {"cpu": None, "memory": None}
    return {"cpu": round(run.cpu, 2), "memory": run.resident}


def _code(task: Task) -> Path | None:
    """Folder that Python is to search for a peer's own code."""
    if task.place is None:
        return None
    inner = task.place / "src"
    return inner if inner.is_dir() else task.place


def _last_line(error: str) -> str:
    lines = [line for line in error.splitlines() if line.strip()]
    return lines[-1].rpartition(" | ")[2].strip()[:100]  # of a line of a log without its time and level


def _commit(place: Path) -> str:
    """`` at COMMIT`` of a folder of code, or nothing if it is no checkout."""
    done = subprocess.run(
        ["git", "-C", place, "rev-parse", "--short=10", "HEAD"],
        env=os.environ,
        capture_output=True,
        check=False,
        text=True,
    )
    return f" at {done.stdout.strip()}" if done.returncode == 0 else ""


if __name__ == "__main__":
    main()
