"""``python -m benchmarks.twins_cost``: bytes that the recipe ``hub-twins`` reads, at each effort.

Files of the true names, types and shapes, all entries zero: what is read is chosen by index and never by value.
Writes ``tables/twins_cost.json`` and its page; fails if a size is in the recipe and not among the shapes.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import verify
from tests.models import VOCABULARY
from verify.fingerprint import EFFORTS
from verify.panel import Recipe
from verify.panel.recipe import SHIPPED

from .hub_shapes import DATADECIDE, PYTHIA, HubFile
from .pages import publish

SHAPES = {"DataDecide": DATADECIDE, "PolyPythias": PYTHIA}
_ADDRESS = re.compile(r"hf://(?:allenai/(DataDecide)-.*-|EleutherAI/(pythia)-)(\d+[mMB])(?:-seed\d)?@.*")


def main() -> None:
    """Measure, and write the results and the page."""
    rows = [row(collection, size, models) for (collection, size), models in counted().items()]
    publish("twins_cost", {"rows": rows})


def counted() -> dict[tuple[str, str], int]:
    """Number of models of each collection and size among the twins of the recipe."""
    recipe = Recipe.read(SHIPPED / "hub-twins.toml")
    found = Counter[tuple[str, str]]()
    for entry in recipe.members:
        if entry.recipe:
            match = _ADDRESS.fullmatch(entry.model)
            assert match is not None, entry.model
            found["DataDecide" if match[1] else "PolyPythias", match[3]] += 1
    return dict(found)


def row(collection: str, size: str, models: int) -> dict[str, Any]:
    """Bytes of one model of a size: of its file, and read at each effort."""
    file = SHAPES[collection][size]
    return {"collection": collection, "size": size, "models": models, "file": file.bytes, **read(file)}


def read(file: HubFile) -> dict[str, int]:
    """Bytes read at each effort."""
    with TemporaryDirectory() as folder:
        place = file.write_empty(Path(folder))
        (place / "vocab.json").write_text(json.dumps(VOCABULARY), "utf-8")
        return {effort: verify.fingerprint(place, effort=effort).record.bytes_read for effort in EFFORTS}


if __name__ == "__main__":
    main()
