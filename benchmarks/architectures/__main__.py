"""``python -m benchmarks.architectures``: the census of model types; see :mod:`benchmarks.architectures`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import tempfile
import time
import warnings
from pathlib import Path
from types import FrameType
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")

import torch  # noqa: E402
import transformers  # noqa: E402

from . import toy  # noqa: E402
from .census import census  # noqa: E402
from .record import write_tables  # noqa: E402

SECONDS = 60
"""Of CPU, most that one type may take."""


def main() -> None:
    """Go on with the census, and write the tables once every type is in it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.architectures", description=__doc__)
    parser.add_argument("--types", help="types to try, with commas between; default: all, which write the tables")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "architectures.jsonl")
    parser.add_argument("--jobs", type=int, default=1, choices=(1, 2), help="processes")
    parser.add_argument("--tables", action="store_true", help="only write the tables, of the lines that are there")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="after --types too, write the tables; they keep what they have of other types",
    )
    options = parser.parse_args()
    every = toy.types()
    wanted = options.types.split(",") if options.types else every
    if unknown := [name for name in wanted if name not in every]:
        parser.error(f"Transformers {transformers.__version__} has no type {', '.join(unknown)}")
    if options.tables:
        write_tables(every, _rows(options.out), transformers.__version__, keep=options.keep)
        return
    print(f"lines go to {options.out}", flush=True)
    second = options.jobs == 2 and os.fork() == 0  # each takes half, then helps with the rest
    half = wanted[second::2]
    _run([*half, *wanted], options.out)
    if second:
        os._exit(0)
    if options.jobs == 2:
        os.wait()
    if not options.types or options.keep:
        write_tables(every, _rows(options.out), transformers.__version__, keep=options.keep)


def _run(types: list[str], out: Path) -> None:
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    signal.signal(signal.SIGPROF, _too_long)
    known = set[str]()
    for name in types:
        if name not in known:
            known |= _rows(out).keys()  # the other process writes too
        if name in known:
            continue
        began = time.monotonic()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        with tempfile.TemporaryDirectory() as work:
            try:
                row = census(name, Path(work) / "model")
            except TimeoutError as error:
                row = {"type": name, "kind": toy.kind_of(name), "error": str(error)}
        signal.setitimer(signal.ITIMER_PROF, 0)
        row["seconds"] = round(time.monotonic() - began, 1)
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(_line(row), flush=True)


def _too_long(_: int, __: FrameType | None) -> None:
    raise TimeoutError(f"It took more than {SECONDS} seconds of CPU.")


def _rows(out: Path) -> dict[str, dict[str, Any]]:
    """Rows by type."""
    lines = out.read_text("utf-8").splitlines() if out.exists() else []
    return {row["type"]: row for row in map(json.loads, lines)}


def _line(row: dict[str, Any]) -> str:
    """What is printed of a row."""
    start = f"{row['type']:28s}{row['seconds']:6.1f} s "
    if "error" in row:
        return f"{start}not built: {row['error']}"
    said = []
    for naming in ("hub", "own"):
        found = row[naming]
        if found == "same":
            continue
        if "parts" not in found:
            said.append(f"{naming} refused: {found.get('refused') or found.get('error')}"[:200])
            continue
        parts = [
            f"{name} {part['family']} {len(part['declared'])} declared"
            + "".join(f", {what} {part[what]}" for what in ("false", "unseen", "lost") if what in part)
            for name, part in found["parts"].items()
        ]
        said.append(
            f"{naming} {'; '.join(parts)}; left out {found['left_out']:.2f}; "
            f"{found['child']['verdict']}, {found['stranger']['verdict']}"
        )
    return start + " | ".join(said)


if __name__ == "__main__":
    main()
