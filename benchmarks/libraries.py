"""``python -m benchmarks.libraries``: what a library takes of a Hub, and what a model is identified with it costs.

A Hub on loopback serves models of the shapes of Llama-2-7B and Qwen2.5-14B, and of sizes of Pythia and DataDecide, by
byte ranges; all entries are zero, since rows are chosen by index and never by value. The server counts requests and
bytes. A model is then identified with libraries of ``benchmarks.planted``, random fingerprints at the sizes of a
screen. Writes ``tables/libraries.json`` and its page.
"""

from __future__ import annotations

import json
import mmap
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from unittest.mock import patch

from huggingface_hub import constants

from tests.models import VOCABULARY
from tests.server import Server, running
from verify.screen import build_library, identify

from . import shapes
from .hub_shapes import DATADECIDE, PYTHIA
from .many_cost import growth
from .pages import publish
from .planted import plant
from .screen_cost import clocks

SIZES = (25, 50, 100, 200, 400)
"""Fingerprints of a library."""
RUNS = 3
MODELS = {
    "Pythia 410M": PYTHIA["410m"],
    "DataDecide 300M": DATADECIDE["300M"],
    "Llama-2-7B": shapes.SHAPES["7B"],
    "Qwen2.5-14B": shapes.SHAPES["14B"],
}


def main() -> None:
    """Measure both, and write the results and the page."""
    with TemporaryDirectory() as folder:
        rows = [fetched(name, Path(folder)) for name in MODELS]
        print(rows, flush=True)
        seconds, load = identified(Path(folder))
    publish(
        "libraries",
        {
            "models": rows,
            "seconds": {str(size): of for size, of in seconds.items()},
            "growth": growth(seconds),
            "runs": RUNS,
            "load": load,
        },
    )


def fetched(name: str, place: Path) -> dict[str, Any]:
    """Bytes and requests of one model of a Hub, first and once more."""
    shape, folder = MODELS[name], place / name.replace(" ", "-")
    if isinstance(shape, shapes.Shape):
        shapes.write_empty(shape, folder)
    else:
        shape.write_empty(folder)
        (folder / "vocab.json").write_text(json.dumps(VOCABULARY), "utf-8")
    with running() as hub, running() as storage:
        hub.storage, storage.hub = storage, hub
        address = f"org/{folder.name}"
        files = {path.name: _mapped(path) for path in folder.iterdir()}
        hub.commit(address, files)
        stored = sum(len(content) for path, content in files.items() if path.endswith(".safetensors"))
        kept = {"VERIFY_CACHE": str(place / "cache" / folder.name), "HF_HUB_CACHE": str(place / "hub")}
        with patch.dict(os.environ, kept), patch.object(constants, "ENDPOINT", hub.url):
            (file,) = build_library([address], place / "library")
            first = _counted(hub, storage)
            build_library([address], place / "library")
            again = _counted(hub, storage)
    return {"model": name, "stored": stored, "file": file.stat().st_size, "first": first, "again": again}


def _mapped(path: Path) -> bytes:
    """The content of a file, read when it is asked for; a hole takes no memory."""
    if path.suffix != ".safetensors":
        return path.read_bytes()
    with path.open("rb") as file:
        return cast("bytes", mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _counted(hub: Server, storage: Server) -> dict[str, int]:
    counts = {"requests": len(hub.asked) + len(storage.asked), "bytes": hub.sent + storage.sent}
    hub.reset(), storage.reset()
    return counts


def identified(place: Path) -> tuple[dict[int, list[float]], float]:
    """Core seconds of identifying one fingerprint, by size of the library; and the largest load average."""
    made = place / "planted"
    made.mkdir()
    plant(made, max(SIZES) + 1)
    first, *rest = sorted(made.glob("*.safetensors"))
    load, found = 0.0, dict[int, list[float]]({size: [] for size in SIZES})
    for run in range(RUNS):
        for size in SIZES:
            library = place / f"library-{size}"
            library.mkdir(exist_ok=True)
            for file in rest[:size]:
                if not (library / file.name).exists():
                    (library / file.name).hardlink_to(file)
            before = clocks()[1]
            result = identify(first, library)
            found[size].append(clocks()[1] - before)
            assert result.record.pairs == size
            load = max(load, os.getloadavg()[0])
        print(run, found, flush=True)
    return found, load


if __name__ == "__main__":
    main()
